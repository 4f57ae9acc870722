import { Link } from "@tanstack/react-router";
import { BookOpen } from "lucide-react";
import { useState } from "react";
import type { Strangers } from "@/bindings/Strangers";
import { sentence, useAdmin } from "@/domain/node/admin";
import { useStatus } from "@/domain/node/hooks";
import { Button, buttonClass } from "@/shared/Button";
import { Confirm } from "@/shared/Dialog";
import { Choices, Switch } from "@/shared/form";
import { Loading, Panel, Screen } from "@/shared/layout";
import { notifications, singleKeys } from "@/shared/preference";
import { useStore } from "@/shared/store";
import { concludeAll, toast } from "@/shared/toast";
import { t } from "@/text";
import { Backups } from "./settings/Backups";
import { Browsers } from "./settings/Browsers";
import { Notifications } from "./settings/Notifications";
import { OtherMachine } from "./settings/OtherMachine";
import { ProxyConfiguration } from "./settings/ProxyConfiguration";
import { SigningKeys } from "./settings/SigningKeys";
import { Storage } from "./settings/Storage";
import { SupportBundle } from "./settings/SupportBundle";
import { TrustedCertificates } from "./settings/TrustedCertificates";

const STRANGERS = ["ask", "open", "listed"] as const satisfies readonly Strangers[];

export function SettingsScreen() {
  const status = useStatus();
  const admin = useAdmin();
  const node = status.data?.node ?? null;
  // What was chosen is shown at once, and what the node says as soon as it says it.
  const [chosen, setChosen] = useState<{ strangers?: Strangers; tell?: boolean }>({});
  const save = async (part: typeof chosen, call: () => Promise<unknown>) => {
    setChosen(part);
    try {
      await call();
      toast(t.settings.saved);
    } catch (fault) {
      toast(sentence(fault), { tone: "bad" });
    }
    await admin.refresh("status");
    setChosen({});
  };
  return (
    <Screen
      title={t.settings.title}
      actions={
        <Link to="/guide" className={buttonClass({})} data-testid="settings-guide">
          <BookOpen className="size-3.5" aria-hidden="true" />
          {t.guide.title}
        </Link>
      }
    >
      <div className="grid max-w-[44rem] grid-cols-[minmax(0,1fr)] gap-4">
        <OtherMachine />
        {node === null ? (
          <Loading />
        ) : (
          <Panel title={t.settings.strangers}>
            <Choices<Strangers>
              label={t.settings.strangersText}
              value={chosen.strangers ?? node.strangers}
              options={STRANGERS.map((value) => ({
                value,
                title: t.settings.stranger[value][0],
                text: t.settings.stranger[value][1],
              }))}
              onChange={(mode) => void save({ strangers: mode }, () => admin.call("strangers", { mode }))}
            />
            <div className="mt-3 border-t border-line pt-3">
              <Switch
                label={t.settings.tellDeclined}
                text={t.settings.tellDeclinedText}
                checked={chosen.tell ?? node.tell_declined}
                onChange={(on) => void save({ tell: on }, () => admin.call("tell-declined", { on }))}
              />
            </div>
          </Panel>
        )}
        {node !== null && <SigningKeys />}
        {node !== null && status.data?.mode === "own" && <Notifications />}
        {node !== null && status.data?.mode === "own" && <Backups />}
        {node !== null && (
          <div id="storage">
            <Storage />
          </div>
        )}
        {admin.platform.session !== null && <Browsers session={admin.platform.session} />}
        {node !== null && status.data?.mode === "own" && <TrustedCertificates />}
        {node !== null && status.data?.mode === "own" && <ProxyConfiguration />}
        {node !== null && <SupportBundle />}
        <Here browser={admin.platform.kind === "browser"} />
        {status.data?.mode === "demo" && <LeaveDemo />}
      </div>
    </Screen>
  );
}

/** Choices that the node knows nothing of. */
function Here({ browser }: { browser: boolean }) {
  const keys = useStore(singleKeys);
  const notify = useStore(notifications);
  const denied = typeof Notification !== "undefined" && Notification.permission === "denied";
  const setNotify = async (on: boolean) => {
    const granted = !on || (await Notification.requestPermission()) === "granted";
    notifications.set(on && granted);
  };
  return (
    <Panel title={t.settings.here} hint={t.settings.hereText}>
      <p className="mb-3 text-sm text-muted">{t.settings.hereText}</p>
      <div className="grid gap-3">
        <Switch label={t.settings.keys} text={t.settings.keysText} checked={keys} onChange={singleKeys.set} />
        {browser && typeof Notification !== "undefined" && (
          <Switch
            label={t.settings.notify}
            text={denied ? t.settings.notifyDenied : t.settings.notifyText}
            checked={notify && !denied}
            disabled={denied}
            onChange={(on) => void setNotify(on)}
          />
        )}
      </div>
    </Panel>
  );
}

function LeaveDemo() {
  const admin = useAdmin();
  const [asking, setAsking] = useState(false);
  return (
    <Panel title={t.settings.demo}>
      <p className="mb-3 text-muted">{t.settings.demoText}</p>
      <Button look="danger" data-testid="leave-demo" onClick={() => setAsking(true)}>
        {t.settings.leave}
      </Button>
      <Confirm
        danger
        open={asking}
        onClose={() => setAsking(false)}
        title={t.settings.leaveTitle}
        text={t.settings.leaveText}
        action={t.settings.leaveButton}
        run={async () => {
          try {
            // What was done in the demo can be undone only while it is there.
            concludeAll();
            await admin.call("leave-demo", {});
            admin.live.reload();
            return null;
          } catch (fault) {
            return sentence(fault);
          }
        }}
      />
    </Panel>
  );
}
