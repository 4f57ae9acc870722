import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import type { Session as Row } from "@/bindings/Session";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { readUserAgent } from "@/domain/node/userAgent";
import type { Session } from "@/platform";
import { Button } from "@/shared/Button";
import { Confirm } from "@/shared/Dialog";
import { Fault, Loading, Panel } from "@/shared/layout";
import { nameText } from "@/shared/text";
import { Ago } from "@/shared/values";
import { t } from "@/text";

/** The browsers that may use these pages, and a way to end each. */
export function Browsers({ session }: { session: Session }) {
  const sessions = useRead("sessions", {});
  // Which one this is does not change while the page is open.
  const own = useQuery({ queryKey: ["own-session"], queryFn: () => session.current(), retry: false });
  return (
    <Panel title={t.settings.browsers} hint={t.settings.browsersText}>
      <p className="mb-3 text-sm text-muted">{t.settings.browsersText}</p>
      {sessions.data === undefined ? (
        sessions.error === null ? (
          <Loading />
        ) : (
          <Fault onRetry={() => void sessions.refetch()}>{sentence(sessions.error)}</Fault>
        )
      ) : (
        <ul className="grid grid-cols-[minmax(0,1fr)] gap-2" data-testid="sessions">
          {sessions.data.sessions.map((row) => (
            <Browser key={row.id} row={row} own={row.id === own.data} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Browser({ row, own }: { row: Row; own: boolean }) {
  const admin = useAdmin();
  const [asking, setAsking] = useState(false);
  const raw = nameText(row.browser);
  const read = readUserAgent(row.browser);
  const name =
    read === null ? raw || t.settings.browserUnnamed : t.settings.browserOn(read.browser, read.system);
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-1" data-testid={`session-${row.id}`}>
      <div className="min-w-0 flex-1 basis-40">
        <bdi className="block truncate" title={raw || name}>
          {name}
        </bdi>
        <span className="text-sm text-muted">
          {own && <strong>{t.settings.browserThis} </strong>}
          {t.settings.browserSince} <Ago at={row.created} />, {t.settings.browserSeen} <Ago at={row.seen} />
        </span>
      </div>
      <Button small onClick={() => setAsking(true)}>
        {t.settings.browserEnd}
      </Button>
      <Confirm
        danger
        open={asking}
        onClose={() => setAsking(false)}
        title={own ? t.settings.browserEndOwn : t.settings.browserEndTitle}
        text={t.settings.browserEndText}
        action={t.settings.browserEnd}
        run={async () => {
          try {
            await admin.call("end-session", { id: row.id });
            await admin.refresh("sessions");
            return null;
          } catch (fault) {
            return sentence(fault);
          }
        }}
      />
    </li>
  );
}
