import { useState } from "react";
import type { User } from "@/bindings/User";
import { asSentence, sentence, useAdmin } from "@/domain/node/admin";
import { Button, type ButtonProps } from "@/shared/Button";
import { Fault } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { t } from "@/text";

/** Opens an account on this computer: makes the client by which it is used, where there is none yet. */
function useOpenAccount(user: string) {
  const admin = useAdmin();
  const [busy, setBusy] = useState(false);
  const open = async () => {
    setBusy(true);
    try {
      await admin.call("open-account", { user });
      toast(t.accounts.opened(user));
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    }
    await admin.refresh("users", "conversations");
    setBusy(false);
  };
  return { busy, open: () => void open() };
}

/** Makes the client by which an account is used on this computer. */
export function OpenAccount({ user, ...rest }: { user: string } & Omit<ButtonProps, "onClick">) {
  const { busy, open } = useOpenAccount(user);
  return (
    <Button {...rest} disabled={busy} data-testid={`open-account-${user}`} onClick={open}>
      {t.conversations.useHere(user)}
    </Button>
  );
}

/** Says why an account that is used here is not open, and tries again where that is of use. */
export function WhyNotOpen({ user }: { user: User }) {
  const { busy, open } = useOpenAccount(user.name);
  const { here } = user;
  if (here.state === "opening") {
    return (
      <p
        role="status"
        data-testid={`opening-${user.name}`}
        className="rounded-md border border-line bg-sunken px-3 py-2 text-muted"
      >
        {t.accounts.opening(user.name)}
      </p>
    );
  }
  if (here.state !== "shut") return null;
  return (
    <div data-testid={`shut-${user.name}`}>
      <Fault {...(busy ? {} : { onRetry: open })}>{asSentence(here.why)}</Fault>
    </div>
  );
}
