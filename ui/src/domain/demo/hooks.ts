import { useMemo } from "react";
import type { DemoNode } from "@/bindings/DemoNode";
import type { DemoSwitch } from "@/bindings/DemoSwitch";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { useStatus } from "@/domain/node/hooks";
import { nameOf } from "@/domain/node/identifiers";
import { concludeAll, toast } from "@/shared/toast";
import { t } from "@/text";

/** The demo's providers; null where this is none. */
export function useDemo() {
  const isDemo = useStatus().data?.mode === "demo";
  const demo = useRead("demo", {}, { enabled: isDemo });
  return isDemo ? (demo.data ?? null) : null;
}

export function useDemoActions() {
  const admin = useAdmin();
  return useMemo(
    () => ({
      async ask(from: string, to: string) {
        try {
          await admin.call("demo-ask", { from, to });
          toast(t.demo.asked(nameOf(from), nameOf(to)));
        } catch (fault) {
          toast(sentence(fault), { tone: "bad" });
        }
      },
      async run(node: DemoNode, running: boolean) {
        try {
          await admin.call("run-demo-node", { name: node.name, running });
        } catch (fault) {
          toast(sentence(fault), { tone: "bad" });
        }
        await admin.refresh("demo", "peers");
      },
      /** Turns on or off what is wrong with a provider. */
      async turn(node: DemoNode, of: DemoSwitch, on: boolean) {
        try {
          await admin.call("demo-switch", { provider: node.name, switch: of, on });
        } catch (fault) {
          toast(sentence(fault), { tone: "bad" });
        }
        await admin.refresh("demo", "peers");
      },
      /** Shows another provider from now on; resolves with whether it is shown. */
      async look(name: string): Promise<boolean> {
        // What can still be undone could be undone only at the one that was shown.
        concludeAll();
        try {
          // The node tells everyone who looks to read everything again.
          await admin.call("look-at-demo-node", { name });
          return true;
        } catch (fault) {
          toast(sentence(fault), { tone: "bad" });
          return false;
        }
      },
    }),
    [admin],
  );
}
