import { useState } from "react";
import type { User } from "@/bindings/User";
import { WhyNotOpen } from "@/domain/account/OpenAccount";
import { sentence, useAdmin } from "@/domain/node/admin";
import { Confirm } from "@/shared/Dialog";
import { Switch } from "@/shared/form";
import { toast } from "@/shared/toast";
import { t } from "@/text";

/** Whether an account is used on this computer, and what that means either way. */
export function Here({ user }: { user: User }) {
  const admin = useAdmin();
  const [closing, setClosing] = useState(false);
  const [busy, setBusy] = useState(false);
  const change = async (command: "open-account" | "close-account"): Promise<string | null> => {
    setBusy(true);
    try {
      await admin.call(command, { user: user.name });
      toast(command === "open-account" ? t.accounts.opened(user.name) : t.accounts.closed(user.name));
      await admin.refresh("users", "conversations", "groups");
      return null;
    } catch (fault) {
      return sentence(fault);
    } finally {
      setBusy(false);
    }
  };
  const open = async () => {
    const refused = await change("open-account");
    if (refused !== null) toast(refused, { tone: "bad" });
  };
  return (
    <div className="grid gap-2 border-t border-line px-3 py-2">
      <Switch
        label={t.accounts.here}
        text={t.accounts.hereText}
        testId={`here-${user.name}`}
        checked={user.here.state !== "unused"}
        disabled={busy}
        onChange={(on) => (on ? void open() : setClosing(true))}
      />
      <WhyNotOpen user={user} />
      <Confirm
        danger
        open={closing}
        onClose={() => setClosing(false)}
        title={t.accounts.closeTitle(user.name)}
        text={t.accounts.closeText(user.name)}
        action={t.accounts.closeButton}
        run={() => change("close-account")}
      />
    </div>
  );
}
