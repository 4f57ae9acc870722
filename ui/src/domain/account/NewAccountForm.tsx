import { type FormEvent, useState } from "react";
import type { UserRule } from "@/bindings/UserRule";
import { sentence, useAdmin } from "@/domain/node/admin";
import { isName } from "@/domain/node/identifiers";
import { Button } from "@/shared/Button";
import { DialogButtons } from "@/shared/Dialog";
import { Select, TextField } from "@/shared/form";
import { Fault } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { t } from "@/text";

/** A person who is to live here. */
export function NewAccountForm({ us, onDone }: { us: string; onDone: () => void }) {
  const admin = useAdmin();
  const [name, setName] = useState("");
  const [rule, setRule] = useState<UserRule>("ask");
  const [error, setError] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const wrong = isName(name) ? null : t.accounts.errors.name;
    setError(wrong);
    setFault(null);
    if (wrong !== null) return;
    try {
      const made = await admin.call("create-user", { name, rule });
      toast(t.accounts.made(made.user));
      await admin.refresh("users", "status");
      onDone();
    } catch (refused) {
      setFault(sentence(refused));
    }
  };
  return (
    <form className="grid gap-3" onSubmit={submit} noValidate>
      <TextField
        label={t.accounts.name}
        hint={t.accounts.nameHint(us)}
        error={error}
        value={name}
        onChange={(event) => setName(event.target.value.trim())}
      />
      <Select
        label={t.accounts.rule}
        value={rule}
        onChange={(event) => setRule(event.target.value as UserRule)}
      >
        <option value="ask">{t.accounts.ruleOption.ask}</option>
        <option value="allow">{t.accounts.ruleOption.allow}</option>
      </Select>
      {fault !== null && <Fault>{fault}</Fault>}
      <DialogButtons>
        <Button look="primary" type="submit">
          {t.accounts.make}
        </Button>
      </DialogButtons>
    </form>
  );
}
