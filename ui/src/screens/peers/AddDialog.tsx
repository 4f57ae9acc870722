import { type FormEvent, useEffect, useState } from "react";
import type { CardRead } from "@/bindings/CardRead";
import { called } from "@/domain/demo/Alias";
import { sentence, useAdmin } from "@/domain/node/admin";
import { Fingerprints } from "@/domain/node/CardButton";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { TextField } from "@/shared/form";
import { toast } from "@/shared/toast";
import { t } from "@/text";
import { ScanCard } from "./ScanCard";

/** Lets a provider in before it has asked, by its name or by its card; `named` is what a link has named. */
export function AddDialog({ open, named, onClose }: { open: boolean; named: string; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title={t.peers.add} text={t.peers.addText}>
      <AddForm named={named} onDone={onClose} />
    </Dialog>
  );
}

function AddForm({ named, onDone }: { named: string; onDone: () => void }) {
  const admin = useAdmin();
  const [typed, setTyped] = useState(named);
  const [error, setError] = useState<string | null>(null);
  const meant = useCard(typed);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (typed === "") {
      setError(t.app.nothingNamed.provider);
      return;
    }
    try {
      const { provider, key } = await admin.call("read-card", { text: typed });
      if (key === null) await admin.call("set-peer", { provider, state: "allowed" });
      else await admin.call("add-by-card", { link: typed });
      toast(t.peers.done.allowed(called(provider)));
      void admin.refresh("peers", "peer", "approvals", "status");
      onDone();
    } catch (fault) {
      setError(sentence(fault));
    }
  };
  return (
    <form onSubmit={submit} noValidate>
      <TextField
        label={t.peers.addField}
        hint={t.peers.addHint}
        error={error}
        value={typed}
        placeholder="beta.example"
        onChange={(event) => {
          setTyped(event.target.value.trim());
          setError(null);
        }}
      />
      <ScanCard
        onRead={(text) => {
          setTyped(text.trim());
          setError(null);
          // It may be the code of something else.
          admin.call("read-card", { text }).catch((fault) => setError(sentence(fault)));
        }}
      />
      <div aria-live="polite">
        {meant !== null && meant.key === null && meant.provider !== typed && (
          <p className="text-sm">
            {t.app.means} <span className="font-medium break-all">{meant.provider}</span>
          </p>
        )}
        {meant !== null && meant.key !== null && (
          <div className="mt-2 rounded-md border border-line bg-sunken px-3 py-2" data-testid="card-read">
            <p className="mb-1">{t.card.known(meant.provider)}</p>
            <Fingerprints of={meant} />
          </div>
        )}
      </div>
      <DialogButtons>
        <Button onClick={onDone}>{t.app.cancel}</Button>
        <Button look="primary" type="submit">
          {t.peers.addButton}
        </Button>
      </DialogButtons>
    </form>
  );
}

/** What is meant by what was typed so far; null where that is not clear. */
function useCard(typed: string): CardRead | null {
  const admin = useAdmin();
  const [read, setRead] = useState<CardRead | null>(null);
  useEffect(() => {
    let latest = true;
    setRead(null);
    if (typed === "") return;
    // What is wrong with it is said where it is sent.
    void admin.call("read-card", { text: typed }).then(
      (found) => latest && setRead(found),
      () => {},
    );
    return () => {
      latest = false;
    };
  }, [admin, typed]);
  return read;
}
