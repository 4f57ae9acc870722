import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Session as Row } from "@/bindings/Session";
import { type Admin, sentence, useAdmin, useRead } from "@/domain/node/admin";
import type { Session } from "@/platform";
import { useDialogPlace } from "@/shared/address";
import { Button } from "@/shared/Button";
import { Confirm, Dialog } from "@/shared/Dialog";
import { Fault, Loading, Panel } from "@/shared/layout";
import { nameText } from "@/shared/text";
import { Ago } from "@/shared/values";
import { t } from "@/text";
import { deviceName } from "./deviceName";
import { OtherDevice } from "./OtherDevice";

/** The browsers that may use these pages, a way to end each, and a way for another one to come in. */
export function Browsers({ session }: { session: Session }) {
  const sessions = useRead("sessions", {});
  // Which one this is does not change while the page is open.
  const own = useQuery({ queryKey: ["own-session"], queryFn: () => session.current(), retry: false });
  const [linking, setLinking] = useDialogPlace("device");
  const [ending, setEnding] = useState(false);
  const rows = sessions.data?.sessions;
  const keep = own.data;
  return (
    <Panel title={t.settings.browsers} hint={t.settings.browsersText}>
      <p className="mb-3 text-sm text-muted">{t.settings.browsersText}</p>
      {rows === undefined ? (
        sessions.error === null ? (
          <Loading />
        ) : (
          <Fault onRetry={() => void sessions.refetch()}>{sentence(sessions.error)}</Fault>
        )
      ) : (
        <>
          <ul className="grid grid-cols-[minmax(0,1fr)] gap-3" data-testid="sessions">
            {rows.map((row) => (
              <Browser key={row.id} row={row} own={row.id === keep} />
            ))}
          </ul>
          <div className="mt-3 flex flex-wrap gap-2">
            <Button data-testid="other-device" onClick={() => setLinking(true)}>
              {t.settings.otherDevice.open}
            </Button>
            {rows.length > 1 && keep !== undefined && (
              <Button data-testid="end-others" onClick={() => setEnding(true)}>
                {t.settings.browsersEndOthers}
              </Button>
            )}
          </div>
          <Dialog
            open={linking}
            onClose={() => setLinking(false)}
            title={t.settings.otherDevice.title}
            text={t.settings.otherDevice.text}
          >
            <OtherDevice origin={session.origin} sessions={rows} onClose={() => setLinking(false)} />
          </Dialog>
        </>
      )}
      <EndSessions
        open={ending}
        onClose={() => setEnding(false)}
        title={t.settings.browsersEndOthersTitle((rows?.length ?? 1) - 1)}
        action={t.settings.browsersEndOthersAction}
        run={(admin) => admin.call("end-other-sessions", { keep: keep ?? "" })}
      />
    </Panel>
  );
}

function Browser({ row, own }: { row: Row; own: boolean }) {
  const [asking, setAsking] = useState(false);
  const raw = nameText(row.browser);
  const name = deviceName(row);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1" data-testid={`session-${row.id}`}>
      <div className="min-w-0 flex-1 basis-40">
        <bdi className="block truncate font-medium">{name}</bdi>
        <span className="text-sm text-muted">
          {own && <strong>{t.settings.browserThis} </strong>}
          {t.settings.browserSince} <Ago at={row.created} />, {t.settings.browserSeen} <Ago at={row.seen} />
        </span>
        {raw !== "" && raw !== name && (
          <bdi className="block truncate text-sm text-muted" title={raw}>
            {raw}
          </bdi>
        )}
      </div>
      <Button small onClick={() => setAsking(true)} aria-label={t.settings.browserEndOf(name)}>
        {t.settings.browserEnd}
      </Button>
      <EndSessions
        open={asking}
        onClose={() => setAsking(false)}
        title={own ? t.settings.browserEndOwn : t.settings.browserEndTitle(name)}
        action={t.settings.browserEnd}
        run={(admin) => admin.call("end-session", { id: row.id })}
      />
    </li>
  );
}

function EndSessions({
  run,
  ...rest
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  action: string;
  run: (admin: Admin) => Promise<unknown>;
}) {
  const admin = useAdmin();
  return (
    <Confirm
      danger
      text={t.settings.browserEndText}
      run={async () => {
        try {
          await run(admin);
          await admin.refresh("sessions");
          return null;
        } catch (fault) {
          return sentence(fault);
        }
      }}
      {...rest}
    />
  );
}
