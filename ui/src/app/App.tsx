import { RouterProvider } from "@tanstack/react-router";
import { Tooltip } from "radix-ui";
import { useEffect, useMemo } from "react";
import { AdminProvider, sentence } from "@/domain/node/admin";
import { useLink, useStatus } from "@/domain/node/hooks";
import { TrafficProvider } from "@/domain/traffic/hooks";
import type { Platform } from "@/platform";
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
    <AdminProvider platform={platform}>
      <Tooltip.Provider delayDuration={400}>
        <Gate router={ours} />
        <Toasts />
        <Announcer />
      </Tooltip.Provider>
    </AdminProvider>
  );
}

/** No session, nothing set up, or the screens. */
function Gate({ router }: { router: Router }) {
  const link = useLink();
  const status = useStatus();
  useTurnover();
  if (link.state === "locked") return <TokenScreen />;
  if (status.data === undefined) {
    return (
      <main className="grid h-full place-items-center p-6" id="content">
        <h1 className="sr-only">{t.app.name}</h1>
        {status.error === null ? (
          <p className="text-muted">{t.link.connecting}</p>
        ) : (
          <Fault onRetry={() => void status.refetch()}>{sentence(status.error)}</Fault>
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
