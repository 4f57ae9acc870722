import { type FormEvent, useState } from "react";
import { called } from "@/domain/demo/Alias";
import { AddressField, readName } from "@/domain/node/AddressField";
import { sentence, useAdmin } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { toast } from "@/shared/toast";
import { t } from "@/text";

/** Lets a provider in before it has asked. */
export function AddDialog({ open, onClose }: { open: boolean; onClose: () => void }) {
  return (
    <Dialog open={open} onClose={onClose} title={t.peers.add} text={t.peers.addText}>
      <AddForm onDone={onClose} />
    </Dialog>
  );
}

function AddForm({ onDone }: { onDone: () => void }) {
  const admin = useAdmin();
  const [provider, setProvider] = useState("");
  const [error, setError] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const meant = await readName(admin, "provider", provider);
    if ("fault" in meant) {
      setError(meant.fault);
      return;
    }
    try {
      await admin.call("set-peer", { provider: meant.name, state: "allowed" });
      toast(t.peers.done.allowed(called(meant.name)));
      void admin.refresh("peers", "peer", "approvals", "status");
      onDone();
    } catch (fault) {
      setError(sentence(fault));
    }
  };
  return (
    <form onSubmit={submit} noValidate>
      <AddressField
        kind="provider"
        label={t.peers.addField}
        hint={t.peers.addHint}
        error={error}
        value={provider}
        placeholder="beta.example"
        onChange={(event) => setProvider(event.target.value.trim())}
      />
      <DialogButtons>
        <Button onClick={onDone}>{t.app.cancel}</Button>
        <Button look="primary" type="submit">
          {t.peers.addButton}
        </Button>
      </DialogButtons>
    </form>
  );
}
