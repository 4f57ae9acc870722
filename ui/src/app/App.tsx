import { RouterProvider } from "@tanstack/react-router";
import { Tooltip } from "radix-ui";
import { useEffect, useMemo } from "react";
import type { MachineFault } from "@/bindings/MachineFault";
import { ShownProvider } from "@/domain/machine/shown";
import { AdminProvider, sentence, useAdmin } from "@/domain/node/admin";
import { useLink, useStatus } from "@/domain/node/hooks";
import type { Link } from "@/domain/node/live";
import { TrafficProvider } from "@/domain/traffic/hooks";
import type { Platform } from "@/platform";
import { SwitcherAbove } from "@/screens/elsewhere/Switcher";
import { UnreachedScreen } from "@/screens/elsewhere/UnreachedScreen";
import { DemoLeftScreen, FirstScreen } from "@/screens/FirstScreen";
import { TokenScreen } from "@/screens/TokenScreen";
import { handleKey } from "@/shared/actions";
import { keepFocus } from "@/shared/focus";
import { Fault } from "@/shared/layout";
import { Toasts } from "@/shared/Toasts";
import { t } from "@/text";
import { Announcer } from "./announce";
import { makeRouter } from "./router";
import { useTurnover } from "./turnover";

type Router = ReturnType<typeof makeRouter>;

export function App({ platform, router }: { platform: Platform; router?: Router }) {
  useEffect(() => {
    window.addEventListener("keydown", handleKey);
    const loseNoMore = keepFocus();
    return () => {
      window.removeEventListener("keydown", handleKey);
      loseNoMore();
    };
  }, []);
  const ours = useMemo(() => router ?? makeRouter(), [router]);
  return (
    <ShownProvider platform={platform}>
      {(shown) => (
        // What was read of one provider says nothing of another.
        <AdminProvider key={shown.machine ?? ""} platform={shown}>
          <Tooltip.Provider delayDuration={400}>
            <Gate router={ours} />
            <Toasts />
            <Announcer />
          </Tooltip.Provider>
        </AdminProvider>
      )}
    </ShownProvider>
  );
}

/** Not reached, no session, nothing set up, or the screens. */
function Gate({ router }: { router: Router }) {
  const { platform } = useAdmin();
  const link = useLink();
  const status = useStatus();
  useTurnover();
  if (platform.machine !== null) {
    const fault = faultOf(link);
    const needsPerson = fault?.step === "session" || fault?.step === "certificate";
    // What was read before goes on being shown where the connection may come back by itself.
    const isUnread = status.data === undefined && (fault !== null || status.error === null);
    if (isUnread || needsPerson) return <UnreachedScreen fault={fault} />;
  }
  if (link.state === "locked") return <TokenScreen />;
  if (status.data === undefined) {
    return (
      <main className="grid h-full place-items-center p-6" id="content">
        <h1 className="sr-only">{t.app.name}</h1>
        {status.error === null ? (
          <p className="text-muted">{t.link.connecting}</p>
        ) : (
          <div>
            <SwitcherAbove />
            <Fault onRetry={() => void status.refetch()}>{sentence(status.error)}</Fault>
          </div>
        )}
      </main>
    );
  }
  if (status.data.mode === "new") {
    // What was set up is looked at, as others find it.
    const lookAtOurselves = () => void router.navigate({ to: "/doctor", search: { self: 1 } });
    return <FirstScreen onSetUp={lookAtOurselves} />;
  }
  if (status.data.mode === "demo-left") return <DemoLeftScreen />;
  return (
    <TrafficProvider>
      <RouterProvider router={router} />
    </TrafficProvider>
  );
}

/** Why another machine cannot be used, where that is so. */
function faultOf(link: Link): MachineFault | null {
  return (link.state === "locked" || link.state === "lost" ? link.why?.fault : null) ?? null;
}
