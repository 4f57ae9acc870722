import { type FormEvent, useState } from "react";
import { useUsers } from "@/domain/account/hooks";
import { NewAccountForm } from "@/domain/account/NewAccountForm";
import { AddressField, readName } from "@/domain/node/AddressField";
import { sentence, useAdmin } from "@/domain/node/admin";
import { providerOf } from "@/domain/node/identifiers";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { Select } from "@/shared/form";
import { Fault, Loading } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { t } from "@/text";

/** One of our people asks somebody elsewhere, who may be named already. */
export function AskDialog({
  open,
  onClose,
  us,
  to,
}: {
  open: boolean;
  onClose: () => void;
  us: string;
  to: string;
}) {
  const users = useUsers();
  const list = users.data?.users;
  return (
    <Dialog open={open} onClose={onClose} title={t.connect.title} text={t.connect.text}>
      {users.error !== null && <Fault onRetry={() => void users.refetch()}>{sentence(users.error)}</Fault>}
      {list === undefined ? (
        users.error === null && <Loading />
      ) : list.length === 0 ? (
        <>
          <p className="mb-3">{t.connect.noAccount}</p>
          <NewAccountForm us={us} onDone={() => undefined} />
        </>
      ) : (
        <AskForm key={to} users={list.map((user) => user.name)} us={us} whom={to} onDone={onClose} />
      )}
    </Dialog>
  );
}

function AskForm({
  users,
  us,
  whom: named,
  onDone,
}: {
  users: readonly string[];
  us: string;
  whom: string;
  onDone: () => void;
}) {
  const admin = useAdmin();
  const [user, setUser] = useState(users[0] ?? "");
  const [to, setTo] = useState(named);
  const [error, setError] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const whom = await readName(admin, "user", to);
    const wrong = "fault" in whom ? whom.fault : providerOf(whom.name) === us ? t.connect.errors.self : null;
    setError(wrong);
    setFault(null);
    if ("fault" in whom || wrong !== null) return;
    setBusy(true);
    try {
      await admin.call("connect", { user, to: whom.name });
      toast(t.connect.sent(whom.name));
      void admin.refresh("approvals", "connections", "peers", "status");
      onDone();
    } catch (refused) {
      setFault(sentence(refused));
      setBusy(false);
    }
  };
  return (
    <form className="grid gap-3" onSubmit={submit} noValidate>
      <Select label={t.connect.user} value={user} onChange={(event) => setUser(event.target.value)}>
        {users.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </Select>
      <AddressField
        kind="user"
        label={t.connect.to}
        hint={t.connect.toHint}
        error={error}
        value={to}
        placeholder="bob@beta.example"
        onChange={(event) => setTo(event.target.value.trim())}
      />
      {fault !== null && <Fault>{fault}</Fault>}
      <DialogButtons>
        <Button onClick={onDone}>{t.app.cancel}</Button>
        <Button look="primary" type="submit" disabled={busy}>
          {busy ? t.connect.sending : t.connect.send}
        </Button>
      </DialogButtons>
    </form>
  );
}
