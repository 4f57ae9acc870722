import { type FormEvent, useState } from "react";
import type { ConversationSummary } from "@/bindings/ConversationSummary";
import type { Who } from "@/bindings/Who";
import { Button } from "@/shared/Button";
import { TextField } from "@/shared/form";
import { t } from "@/text";
import { tooLong, WhoSelect } from "./NewGroupDialog";

/** What a group is called and who may do what in it, for its admins. */
export function PolicyForm({
  summary,
  onSave,
}: {
  summary: ConversationSummary;
  onSave: (change: { name?: string; add?: Who; send?: Who }) => Promise<boolean>;
}) {
  // Only what is changed here is told, so that what others change meanwhile stands.
  const [name, setName] = useState<string | null>(null);
  const [add, setAdd] = useState<Who | null>(null);
  const [send, setSend] = useState<Who | null>(null);
  const error = name !== null && tooLong(name) ? t.conversations.newNameLong : null;
  const change = {
    ...(name === null || name.trim() === summary.name ? {} : { name: name.trim() }),
    ...(add === null || add === summary.add ? {} : { add }),
    ...(send === null || send === summary.send ? {} : { send }),
  };
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (error !== null || !(await onSave(change))) return;
    setName(null);
    setAdd(null);
    setSend(null);
  };
  return (
    <form className="grid gap-2" onSubmit={submit} noValidate>
      <TextField
        label={t.conversations.newName}
        error={error}
        value={name ?? summary.name}
        autoCapitalize="sentences"
        onChange={(event) => setName(event.target.value)}
      />
      <WhoSelect label={t.conversations.newAdd} value={add ?? summary.add} onChange={setAdd} />
      <WhoSelect label={t.conversations.newSend} value={send ?? summary.send} onChange={setSend} />
      <div>
        <Button type="submit" disabled={Object.keys(change).length === 0 || error !== null}>
          {t.conversations.policySave}
        </Button>
      </div>
    </form>
  );
}
