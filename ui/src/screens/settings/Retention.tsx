import { type FormEvent, useState } from "react";
import type { RetentionPreview } from "@/bindings/RetentionPreview";
import type { Storage } from "@/bindings/Storage";
import { GroupName } from "@/domain/group/GroupName";
import { sentence, useAdmin } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { DialogButtons } from "@/shared/Dialog";
import { TextField } from "@/shared/form";
import { bytes } from "@/shared/format";
import { Fault } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { Ago, Breakable, Bytes } from "@/shared/values";
import { t } from "@/text";

const words = t.settings.storage;
/** What is asked for first. */
const USUAL_DAYS = 365;
/** So many groups and readers are shown. */
const SHOWN = 8;

/** Asks after how many days, shows what would go, and only then has it removed. */
export function Retention({ stored, onClose }: { stored: Storage; onClose: () => void }) {
  const admin = useAdmin();
  const chosen = stored.retention_days;
  const [typed, setTyped] = useState(String(chosen ?? USUAL_DAYS));
  const [preview, setPreview] = useState<RetentionPreview | null>(null);
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const days = /^\d{1,5}$/.test(typed.trim()) ? Number(typed) : null;

  const carryOut = async (work: () => Promise<void>) => {
    setBusy(true);
    setFault(null);
    try {
      await work();
    } catch (refused) {
      setFault(sentence(refused));
    } finally {
      setBusy(false);
    }
  };
  const look = (event: FormEvent) => {
    event.preventDefault();
    void carryOut(async () => setPreview(await admin.call("preview-retention", { days: days ?? 0 })));
  };
  const choose = (request: { days?: number }) =>
    carryOut(async () => {
      await admin.call("set-retention", request);
      toast(request.days === undefined ? words.keptNow : words.removedNow);
      onClose();
      await admin.refresh("storage");
    });

  return (
    <form onSubmit={look} noValidate>
      <TextField
        label={words.days}
        hint={words.daysHint(stored.least_days)}
        inputMode="numeric"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          // What was shown was for another number.
          setPreview(null);
        }}
      />
      {preview !== null && <Foreseen preview={preview} stored={stored} />}
      {fault !== null && <Fault>{fault}</Fault>}
      <DialogButtons>
        {chosen !== null && (
          <Button disabled={busy} data-testid="keep-messages" onClick={() => void choose({})}>
            {words.keep}
          </Button>
        )}
        <Button onClick={onClose}>{t.app.cancel}</Button>
        {preview === null ? (
          <Button type="submit" look="primary" disabled={busy} data-testid="preview-retention">
            {busy ? words.looking : words.look}
          </Button>
        ) : (
          <Button
            look="danger"
            disabled={busy}
            data-testid="set-retention"
            onClick={() => void choose({ days: preview.days })}
          >
            {words.remove(preview.days)}
          </Button>
        )}
      </DialogButtons>
    </form>
  );
}

/** What would go now, from where, and who has not fetched it. */
function Foreseen({ preview, stored }: { preview: RetentionPreview; stored: Storage }) {
  const { messages, oldest, groups, held, unfetched } = preview;
  const name = (group: string) => stored.groups.find((each) => each.group === group)?.name;
  return (
    <div className="mt-3 border-t border-line pt-3" data-testid="would-go" role="status">
      <p className="mb-2">
        {oldest === null ? (
          words.nothingGoes
        ) : (
          <>
            {words.goes(messages, bytes(preview.bytes), groups.length)} {words.oldest} <Ago at={oldest} />.
          </>
        )}
      </p>
      <ul className="mb-2 grid gap-1">
        {groups.slice(0, SHOWN).map((group) => (
          <li key={group.group} className="flex items-baseline gap-3">
            <span className="min-w-0 flex-1">
              <GroupName uri={group.group} name={name(group.group)} />
              <span className="block text-sm text-muted">{words.messagesOf(group.messages)}</span>
            </span>
            <Bytes n={group.bytes} />
          </li>
        ))}
      </ul>
      {groups.length > SHOWN && (
        <p className="mb-2 text-sm text-muted">{words.more(groups.length - SHOWN)}</p>
      )}
      {held > 0 && <p className="mb-2">{words.held(held)}</p>}
      {unfetched.length > 0 && (
        <>
          <h3 className="mb-1 font-semibold">{words.unfetched}</h3>
          <ul className="mb-2 grid gap-1" data-testid="unfetched">
            {unfetched.slice(0, SHOWN).map((behind) => (
              <li key={behind.reader}>
                <span className="wrap-anywhere">
                  <Breakable text={behind.reader} />
                </span>{" "}
                <span className="text-sm text-muted">
                  {behind.fetched === null ? (
                    words.neverFetched
                  ) : (
                    <>
                      {words.fetched} <Ago at={behind.fetched} />.
                    </>
                  )}
                  {behind.held > 0 && ` ${words.waits(behind.held)}`}
                  {behind.lost > 0 && ` ${words.lost(behind.lost)}`}
                </span>
              </li>
            ))}
          </ul>
          {unfetched.length > SHOWN && (
            <p className="mb-2 text-sm text-muted">{words.more(unfetched.length - SHOWN)}</p>
          )}
        </>
      )}
      <p className="text-muted">{words.stays}</p>
    </div>
  );
}
