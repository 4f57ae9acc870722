import { type FormEvent, useState } from "react";
import type { Who } from "@/bindings/Who";
import { sentence, useAdmin } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { Select, TextField } from "@/shared/form";
import { Fault } from "@/shared/layout";
import { t } from "@/text";

const MAX_NAME_BYTES = 256;

export function tooLong(name: string): boolean {
  return new TextEncoder().encode(name).length > MAX_NAME_BYTES;
}

export function NewGroupDialog({
  user,
  open,
  onClose,
  onMade,
}: {
  user: string;
  open: boolean;
  onClose: () => void;
  onMade: (group: string) => void;
}) {
  return (
    <Dialog open={open} onClose={onClose} title={t.conversations.new} text={t.conversations.newText}>
      <NewGroup user={user} onMade={onMade} onClose={onClose} />
    </Dialog>
  );
}

function NewGroup({
  user,
  onMade,
  onClose,
}: {
  user: string;
  onMade: (group: string) => void;
  onClose: () => void;
}) {
  const admin = useAdmin();
  const [name, setName] = useState("");
  const [add, setAdd] = useState<Who>("admins");
  const [send, setSend] = useState<Who>("members");
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const error = tooLong(name) ? t.conversations.newNameLong : null;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (error !== null) return;
    setBusy(true);
    setFault(null);
    try {
      const { group } = await admin.call("create-group", { user, name: name.trim(), add, send });
      await admin.refresh(["conversations", { user }], "groups");
      onMade(group);
    } catch (refused) {
      setFault(sentence(refused));
      setBusy(false);
    }
  };
  return (
    <form className="grid gap-3" onSubmit={submit} noValidate>
      <TextField
        label={t.conversations.newName}
        hint={t.conversations.newNameHint}
        error={error}
        value={name}
        autoCapitalize="sentences"
        onChange={(event) => setName(event.target.value)}
      />
      <WhoSelect label={t.conversations.newAdd} value={add} onChange={setAdd} />
      <WhoSelect label={t.conversations.newSend} value={send} onChange={setSend} />
      {fault !== null && <Fault>{fault}</Fault>}
      <DialogButtons>
        <Button onClick={onClose}>{t.app.cancel}</Button>
        <Button look="primary" type="submit" disabled={busy}>
          {busy ? t.conversations.creating : t.conversations.create}
        </Button>
      </DialogButtons>
    </form>
  );
}

export function WhoSelect({
  label,
  value,
  onChange,
}: {
  label: string;
  value: Who;
  onChange: (who: Who) => void;
}) {
  return (
    <Select label={label} value={value} onChange={(event) => onChange(event.target.value as Who)}>
      <option value="members">{t.conversations.who.members}</option>
      <option value="admins">{t.conversations.who.admins}</option>
    </Select>
  );
}
