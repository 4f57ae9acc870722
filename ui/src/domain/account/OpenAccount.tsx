import { useState } from "react";
import { sentence, useAdmin } from "@/domain/node/admin";
import { Button, type ButtonProps } from "@/shared/Button";
import { toast } from "@/shared/toast";
import { t } from "@/text";

/** Makes the client by which an account is used on this computer. */
export function OpenAccount({ user, ...rest }: { user: string } & Omit<ButtonProps, "onClick">) {
  const admin = useAdmin();
  const [busy, setBusy] = useState(false);
  const open = async () => {
    setBusy(true);
    try {
      await admin.call("open-account", { user });
      toast(t.accounts.opened(user));
      await admin.refresh("users", "conversations");
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    }
    setBusy(false);
  };
  return (
    <Button {...rest} disabled={busy} data-testid={`open-account-${user}`} onClick={() => void open()}>
      {t.conversations.useHere(user)}
    </Button>
  );
}
