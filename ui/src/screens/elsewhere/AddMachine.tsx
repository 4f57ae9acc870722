import { type FormEvent, useState } from "react";
import type { MachineMet } from "@/bindings/MachineMet";
import { type Shown, useShown } from "@/domain/machine/shown";
import { asSentence, sentence } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Dialog } from "@/shared/Dialog";
import { TextField } from "@/shared/form";
import { Fault } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { Ident } from "@/shared/values";
import { t } from "@/text";

const words = t.elsewhere.adding;

/** Another machine is added by its link, and shown. */
export function AddMachineDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  const shown = useShown();
  if (shown === null) return null;
  return (
    <Dialog wide open={open} onClose={onClose} title={words.title} text={words.text}>
      {shown.list.unreadable === null ? (
        <AddMachine shown={shown} onAdded={onClose} />
      ) : (
        <Fault>{asSentence(shown.list.unreadable)}</Fault>
      )}
    </Dialog>
  );
}

/** The link is pasted, what is found there is compared by the person, and only then the link is used. */
export function AddMachine({
  shown,
  replaces = null,
  onAdded,
}: {
  shown: Shown;
  /** The machine that is to be had again. */
  replaces?: string | null;
  onAdded?: () => void;
}) {
  const [link, setLink] = useState("");
  const [met, setMet] = useState<MachineMet | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const add = async (confirmed: MachineMet) => {
    const { id, kept } = await shown.elsewhere.add(link, confirmed.fingerprint, replaces);
    onAdded?.();
    shown.show(id);
    if (kept === "file") toast(words.inFile);
  };
  const attempt = async (work: () => Promise<void>) => {
    setError(null);
    setBusy(true);
    try {
      await work();
    } catch (fault) {
      setError(sentence(fault));
    } finally {
      setBusy(false);
    }
  };
  const look = (event: FormEvent) => {
    event.preventDefault();
    if (link.trim() === "") return setError(words.empty);
    void attempt(async () => {
      const found = await shown.elsewhere.look(link);
      // What was compared before is not asked for again.
      if (found.confirmed && found.fingerprint !== null) await add(found);
      else setMet(found);
    });
  };
  if (met !== null) {
    return (
      <Compare
        met={met}
        busy={busy}
        error={error}
        onBack={() => {
          setMet(null);
          setError(null);
        }}
        onConnect={() => void attempt(() => add(met))}
      />
    );
  }
  return (
    <form className="grid gap-3" onSubmit={look} noValidate>
      <TextField
        label={words.link}
        hint={words.linkHint}
        error={error}
        name="machine-link"
        placeholder="https://home.example:9103/#token=…"
        value={link}
        onChange={(event) => setLink(event.target.value)}
      />
      <div>
        <Button
          look="primary"
          type="submit"
          className="h-8 px-4"
          data-testid="look-at-machine"
          disabled={busy}
        >
          {busy ? words.looking : words.look}
        </Button>
      </div>
    </form>
  );
}

function Compare({
  met,
  busy,
  error,
  onBack,
  onConnect,
}: {
  met: MachineMet;
  busy: boolean;
  error: string | null;
  onBack: () => void;
  onConnect: () => void;
}) {
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-3" data-testid="compare-certificate">
      <dl className="grid gap-2 rounded-md border border-line bg-sunken px-3 py-2">
        <div>
          <dt className="text-sm text-muted">{words.address}</dt>
          <dd className="font-medium wrap-anywhere">{met.origin}</dd>
        </div>
        {met.fingerprint !== null && (
          <div>
            <dt className="text-sm text-muted">{words.fingerprint}</dt>
            <dd data-testid="met-fingerprint" className="pr-8">
              <Ident mono value={met.fingerprint} what={words.fingerprintWhat} />
            </dd>
          </div>
        )}
      </dl>
      {met.fingerprint === null ? (
        <p>{words.plain}</p>
      ) : (
        <>
          <p>{words.compare}</p>
          {met.vouched && <p>{words.vouched}</p>}
          <p className="text-muted">{words.pinned}</p>
        </>
      )}
      {error !== null && <Fault>{error}</Fault>}
      <div className="flex flex-wrap gap-2">
        <Button
          look="primary"
          className="h-8 px-4"
          data-testid="confirm-machine"
          data-first=""
          disabled={busy}
          onClick={onConnect}
        >
          {busy ? words.connecting : met.fingerprint === null ? words.connectPlain : words.connect}
        </Button>
        <Button className="h-8 px-4" onClick={onBack} disabled={busy}>
          {words.back}
        </Button>
      </div>
    </div>
  );
}
