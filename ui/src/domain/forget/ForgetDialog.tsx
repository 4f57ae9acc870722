import { Link } from "@tanstack/react-router";
import { type ReactNode, useCallback, useEffect, useState } from "react";
import type { Forgettable } from "@/bindings/Forgettable";
import type { Hold } from "@/bindings/Hold";
import type { Loss } from "@/bindings/Loss";
import type { Losses } from "@/bindings/Losses";
import { asSentence, sentence, useAdmin } from "@/domain/node/admin";
import { AdminError } from "@/platform";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { Fault, Loading } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { Bytes } from "@/shared/values";
import { t } from "@/text";

/** Lists what will be lost before it is, and lets go of it: what was shown is the condition. */
export function ForgetDialog({
  of,
  title,
  action,
  said,
  onDone,
  onClose,
}: {
  /** What; null while nothing is asked. */
  of: Forgettable | null;
  title: string;
  action: string;
  /** What is said once it is done. */
  said: string;
  onDone?: () => void;
  onClose: () => void;
}) {
  return (
    <Dialog wide open={of !== null} onClose={onClose} title={title}>
      {of !== null && (
        <Asking
          of={of}
          action={action}
          onClose={onClose}
          onDone={() => {
            toast(said);
            onClose();
            onDone?.();
          }}
        />
      )}
    </Dialog>
  );
}

function Asking({
  of,
  action,
  onDone,
  onClose,
}: {
  of: Forgettable;
  action: string;
  onDone: () => void;
  onClose: () => void;
}) {
  const admin = useAdmin();
  const [losses, setLosses] = useState<Losses | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [changed, setChanged] = useState(false);
  const [busy, setBusy] = useState(false);
  const named = JSON.stringify(of);
  const look = useCallback(async () => {
    try {
      setLosses(await admin.call("losses", { of: JSON.parse(named) as Forgettable }));
      setFault(null);
    } catch (refused) {
      setFault(sentence(refused));
    }
  }, [admin, named]);
  useEffect(() => void look(), [look]);
  const act = async (doing: () => Promise<unknown>, done: () => void) => {
    setBusy(true);
    try {
      await doing();
      setFault(null);
      setChanged(false);
      done();
    } catch (refused) {
      const isAnother = refused instanceof AdminError && refused.code === "losses-changed";
      setChanged(isAnother);
      setFault(isAnother ? null : sentence(refused));
      if (isAnother) await look();
    } finally {
      setBusy(false);
      void admin.refresh(
        "peers",
        "peer",
        "groups",
        "group",
        "users",
        "conversations",
        "approvals",
        "rules",
        "repairs",
        "status",
      );
    }
  };
  return (
    <>
      {losses === null ? (
        fault === null && <Loading />
      ) : (
        <div className="grid gap-3" data-testid="losses">
          {changed && (
            <p
              role="alert"
              className="rounded-md border border-line bg-sunken px-3 py-2 font-medium text-warn"
            >
              {t.forget.changed}
            </p>
          )}
          <Holds
            of={of}
            holds={losses.holds}
            busy={busy}
            onEndConnections={(provider) =>
              void act(
                () => admin.call("end-connections", { provider }),
                () => void look(),
              )
            }
          />
          <Part title={t.forget.lost}>
            {losses.lost.map((loss) => (
              <Lost key={loss.what} loss={loss} />
            ))}
          </Part>
          {losses.stays.length > 0 && (
            <Part title={t.forget.stays}>
              {losses.stays.map((stays) => (
                <li key={stays}>{stays}</li>
              ))}
            </Part>
          )}
          {losses.means.map((means) => (
            <p key={means} className="text-muted wrap-anywhere">
              {means}
            </p>
          ))}
        </div>
      )}
      {fault !== null && <Fault>{fault}</Fault>}
      <DialogButtons>
        <Button data-first="" onClick={onClose}>
          {t.app.cancel}
        </Button>
        <Button
          look="danger"
          data-testid="forget-action"
          disabled={busy || losses === null || losses.holds.length > 0}
          onClick={() =>
            losses !== null && void act(() => admin.call("forget", { of, seen: losses.seen }), onDone)
          }
        >
          {action}
        </Button>
      </DialogButtons>
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3 className="text-sm font-semibold text-muted">{title}</h3>
      <ul className="mt-0.5 list-disc pl-5 wrap-anywhere">{children}</ul>
    </section>
  );
}

function Lost({ loss }: { loss: Loss }) {
  return (
    <li>
      {loss.what}
      {loss.octets !== null && (
        <span className="text-muted">
          {" "}
          · <Bytes n={loss.octets} />
        </span>
      )}
    </li>
  );
}

/** What lives and needs it, each with what ends that. */
function Holds({
  of,
  holds,
  busy,
  onEndConnections,
}: {
  of: Forgettable;
  holds: readonly Hold[];
  busy: boolean;
  onEndConnections: (provider: string) => void;
}) {
  if (holds.length === 0) return null;
  return (
    <section className="rounded-md border border-line bg-sunken px-3 py-2" data-testid="holds">
      <h3 className="text-sm font-semibold text-warn">{t.forget.holds}</h3>
      <ul className="mt-1 grid gap-2">
        {holds.map((hold) => (
          <li key={`${hold.code} ${hold.group ?? ""}`} className="wrap-anywhere">
            {asSentence(hold.text)}
            <span className="mt-1 block">
              {hold.code === "connected" && of.kind === "peer" ? (
                <Button small disabled={busy} onClick={() => onEndConnections(of.provider)}>
                  {t.forget.endConnections}
                </Button>
              ) : of.kind === "group" || hold.code === "still-in" || hold.group === null ? null : (
                <Link
                  to="/groups"
                  search={{ open: hold.group }}
                  className="text-accent underline underline-offset-2"
                >
                  {t.forget.openGroup}
                </Link>
              )}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
