import { type FormEvent, useState } from "react";
import type { Contact } from "@/bindings/Contact";
import type { Member } from "@/bindings/Member";
import type { PendingAddition } from "@/bindings/PendingAddition";
import { nameOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { Button } from "@/shared/Button";
import { Dialog, DialogButtons } from "@/shared/Dialog";
import { Fault } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { t } from "@/text";

/** Whom to add: of those one is connected with, who is not in it and is not being asked. */
export function AddDialog({
  open,
  onClose,
  ...rest
}: {
  open: boolean;
  onClose: () => void;
  contacts: readonly Contact[];
  members: readonly Member[];
  additions: readonly PendingAddition[];
  onAsk: (user: string) => Promise<string | null>;
}) {
  return (
    <Dialog open={open} onClose={onClose} title={t.conversations.add} text={t.conversations.addText}>
      <Choose {...rest} onClose={onClose} />
    </Dialog>
  );
}

function Choose({
  contacts,
  members,
  additions,
  onAsk,
  onClose,
}: {
  contacts: readonly Contact[];
  members: readonly Member[];
  additions: readonly PendingAddition[];
  onAsk: (user: string) => Promise<string | null>;
  onClose: () => void;
}) {
  const taken = new Set([
    ...members.map((each) => each.user),
    ...additions
      .filter((each) => each.state === "pending" || each.state === "approved")
      .map((each) => each.user),
  ]);
  const connected = contacts.filter((each) => each.connected);
  const free = connected.filter((each) => !taken.has(each.user));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const asked: string[] = [];
    const say = () => asked.length > 0 && toast(t.conversations.addAsked(asked.map(nameOf)));
    for (const user of chosen) {
      const refused = await onAsk(user);
      if (refused !== null) {
        say();
        setFault(refused);
        setBusy(false);
        return;
      }
      asked.push(user);
      setChosen((before) => new Set([...before].filter((each) => each !== user)));
    }
    say();
    onClose();
  };
  if (free.length === 0) {
    return (
      <>
        <p>{connected.length === 0 ? t.conversations.addNoContacts : t.conversations.addNobody}</p>
        <DialogButtons>
          <Button data-first="" onClick={onClose}>
            {t.app.close}
          </Button>
        </DialogButtons>
      </>
    );
  }
  return (
    <form onSubmit={submit}>
      <fieldset>
        <legend className="mb-1 font-medium">{t.conversations.addWho}</legend>
        <div className="max-h-[40vh] overflow-y-auto rounded-md border border-line">
          {free.map(({ user }) => (
            <label
              key={user}
              className="flex items-center gap-2.5 px-2 py-1.5 hover:bg-hover has-checked:bg-accent-soft"
            >
              <input
                type="checkbox"
                className="size-4 accent-accent-fill"
                checked={chosen.has(user)}
                onChange={(event) => {
                  const next = new Set(chosen);
                  if (event.target.checked) next.add(user);
                  else next.delete(user);
                  setChosen(next);
                }}
              />
              <PersonName uri={user} />
            </label>
          ))}
        </div>
      </fieldset>
      {fault !== null && (
        <div className="mt-2">
          <Fault>{fault}</Fault>
        </div>
      )}
      <DialogButtons>
        <Button onClick={onClose}>{t.app.cancel}</Button>
        <Button look="primary" type="submit" disabled={busy || chosen.size === 0}>
          {busy ? t.conversations.addAsking : t.conversations.addAsk}
        </Button>
      </DialogButtons>
    </form>
  );
}
