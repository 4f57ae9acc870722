import { type FormEvent, useState } from "react";
import type { Backup } from "@/bindings/Backup";
import type { BackupMade } from "@/bindings/BackupMade";
import type { BackupOrdered } from "@/bindings/BackupOrdered";
import type { Backups as Kinds } from "@/bindings/Backups";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { useDialogPlace } from "@/shared/address";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { Switch, TextField } from "@/shared/form";
import { bytes } from "@/shared/format";
import { Fault, Loading, Panel } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { Ago } from "@/shared/values";
import { t } from "@/text";

const words = t.settings.backups;
/** So many of those that are kept are shown, the newest. */
const SHOWN = 5;

/** Everything in one file: when that was made, where it is, and another one now, there or in a browser's own folder. */
export function Backups() {
  const read = useRead("backups", {});
  const { download } = useAdmin().platform;
  const [open, setOpen] = useDialogPlace("backup");
  const [downloading, setDownloading] = useDialogPlace("download-backup");
  const kept = read.data;
  return (
    <Panel title={words.title}>
      <p className="mb-3 text-muted">{words.text}</p>
      {kept === undefined ? (
        read.error === null ? (
          <Loading />
        ) : (
          <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>
        )
      ) : (
        <>
          {kept.failed !== null && <Fault>{words.failed(kept.failed.text)}</Fault>}
          {kept.unreadable !== null && <Fault>{kept.unreadable}</Fault>}
          <p className="mb-2" data-testid="backup-schedule">
            {kept.every_hours === 0
              ? words.never
              : words.every(kept.every_hours, kept.keep, kept.recipient !== null)}
          </p>
          {kept.backups.length > 0 ? (
            <ul className="mb-3 grid grid-cols-[minmax(0,1fr)] gap-1" data-testid="backups">
              {kept.backups.slice(0, SHOWN).map((backup) => (
                <Kept key={backup.file} backup={backup} />
              ))}
            </ul>
          ) : (
            kept.unreadable === null && <p className="mb-3 text-muted">{words.none(kept.folder)}</p>
          )}
          {kept.backups.length > SHOWN && (
            <p className="mb-3 text-sm text-muted">{words.more(kept.backups.length - SHOWN, kept.folder)}</p>
          )}
        </>
      )}
      <div className="flex flex-wrap gap-2">
        <Button data-testid="back-up" onClick={() => setOpen(true)}>
          {words.make}
        </Button>
        {download !== null && (
          <Button data-testid="download-backup" onClick={() => setDownloading(true)}>
            {words.download}
          </Button>
        )}
      </div>
      <Dialog open={open} onClose={() => setOpen(false)} title={words.make} text={words.about}>
        <BackUp kept={kept} onClose={() => setOpen(false)} />
      </Dialog>
      {download !== null && (
        <Dialog
          open={downloading}
          onClose={() => setDownloading(false)}
          title={words.downloadTitle}
          text={words.downloadAbout}
        >
          <Download kept={kept} begin={download} onClose={() => setDownloading(false)} />
        </Dialog>
      )}
    </Panel>
  );
}

function Kept({ backup }: { backup: Backup }) {
  return (
    <li className="flex flex-wrap items-baseline gap-x-3">
      <span className="whitespace-nowrap">
        <Ago at={backup.made} />
      </span>
      <span className="text-sm text-muted">
        {bytes(backup.bytes)}, {backup.sealed ? words.sealed : words.unsealed}
      </span>
      <code className="min-w-0 basis-full text-sm break-all text-muted select-text">{backup.file}</code>
    </li>
  );
}

/** Makes one in the folder, and says where it is. */
function BackUp({ kept, onClose }: { kept: Kinds | undefined; onClose: () => void }) {
  const admin = useAdmin();
  const [made, setMade] = useState<BackupMade | null>(null);
  if (made === null) {
    return (
      <HowForm
        kept={kept}
        action={words.now}
        busyAction={words.making}
        onClose={onClose}
        run={async (how) => {
          setMade(await admin.call("back-up", how));
          toast(words.done);
          await admin.refresh("backups");
        }}
      />
    );
  }
  return (
    <>
      <p>
        {words.made} {bytes(made.bytes)}
      </p>
      <code className="my-2 block break-all select-text" data-testid="backup-made">
        {made.file}
      </code>
      <p className="text-muted">
        {made.lacks_clients_key && `${words.lacksKey} `}
        {made.keys ? (made.sealed ? words.keep : words.keepSafe) : words.keyless}
      </p>
      <Close onClose={onClose} />
    </>
  );
}

/** Has the browser download one. Nothing of it is kept at the node. */
function Download({
  kept,
  begin,
  onClose,
}: {
  kept: Kinds | undefined;
  begin: (path: string) => void;
  onClose: () => void;
}) {
  const admin = useAdmin();
  const [ordered, setOrdered] = useState<BackupOrdered | null>(null);
  if (ordered === null) {
    return (
      <HowForm
        kept={kept}
        action={words.downloadNow}
        busyAction={words.downloadNow}
        onClose={onClose}
        run={async (how) => {
          const order = await admin.call("order-backup", how);
          begin(`/admin/v1/backup/${order.id}`);
          setOrdered(order);
        }}
      />
    );
  }
  return (
    <>
      <p data-testid="download-begun">{words.downloadBegun}</p>
      <p className="mt-2 text-muted">
        {ordered.keys ? (ordered.sealed ? words.downloadSealed : words.downloadSafe) : words.keyless}
      </p>
      <Close onClose={onClose} />
    </>
  );
}

function Close({ onClose }: { onClose: () => void }) {
  return (
    <DialogButtons>
      <Button look="primary" onClick={onClose}>
        {t.app.close}
      </Button>
    </DialogButtons>
  );
}

/** Asks how it is sealed and whether it has the keys. */
function HowForm({
  kept,
  action,
  busyAction,
  onClose,
  run,
}: {
  kept: Kinds | undefined;
  action: string;
  busyAction: string;
  onClose: () => void;
  run: (how: { keys: boolean; passphrase?: string }) => Promise<void>;
}) {
  const recipient = kept?.recipient ?? null;
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const [keys, setKeys] = useState(kept?.keys ?? true);
  const [busy, setBusy] = useState(false);
  const [unlike, setUnlike] = useState(false);
  const [fault, setFault] = useState<string | null>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setFault(null);
    setUnlike(passphrase !== again);
    if (passphrase !== again) return;
    setBusy(true);
    try {
      await run({ keys, ...(passphrase === "" ? {} : { passphrase }) });
    } catch (refused) {
      setFault(sentence(refused));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form className="grid gap-3" onSubmit={submit} noValidate>
      <TextField
        type="password"
        label={words.passphrase}
        hint={recipient === null ? words.passphraseHint : words.recipientHint(recipient)}
        value={passphrase}
        autoComplete="new-password"
        onChange={(event) => setPassphrase(event.target.value)}
      />
      {passphrase !== "" && (
        <TextField
          type="password"
          label={words.again}
          error={unlike ? words.unlike : null}
          value={again}
          autoComplete="new-password"
          onChange={(event) => setAgain(event.target.value)}
        />
      )}
      <Switch label={words.keys} text={words.keysText} checked={keys} onChange={setKeys} />
      {fault !== null && <Fault>{fault}</Fault>}
      <DialogButtons>
        <Button onClick={onClose}>{t.app.cancel}</Button>
        <Button type="submit" look="primary" disabled={busy} data-testid="back-up-now">
          {busy ? busyAction : action}
        </Button>
      </DialogButtons>
    </form>
  );
}
