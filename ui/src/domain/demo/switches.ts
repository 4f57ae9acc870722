/** What may be wrong with a provider of the demo, which is turned on and off, in the order in which it is shown. */
import type { Demo } from "@/bindings/Demo";
import type { DemoNode } from "@/bindings/DemoNode";
import type { DemoSwitch } from "@/bindings/DemoSwitch";

export const SWITCHES: readonly { part: "way" | "provider"; switches: readonly DemoSwitch[] }[] = [
  { part: "way", switches: ["stopped", "slow", "lossy", "cutting-proxy"] },
  {
    part: "provider",
    switches: [
      "clock-ahead",
      "clock-behind",
      "certificate-expired",
      "certificate-wrong-name",
      "key-changed",
      "disk-full",
      "forked",
    ],
  },
];

export interface SwitchedOn {
  node: DemoNode;
  switch: DemoSwitch;
}

/** Everything that is switched on; that a provider is stopped is shown where it is named. */
export function switchedOn(demo: Demo): SwitchedOn[] {
  return demo.nodes.flatMap((node) =>
    node.on.filter((each) => each !== "stopped").map((each) => ({ node, switch: each })),
  );
}

/** Why it cannot be turned; null where it can. One for which the provider is stopped cannot be turned off either while that one is shown. */
export function lockedBy(node: DemoNode, of: DemoSwitch): "shown" | "turning" | "no-group" | null {
  if (node.turning !== null) return "turning";
  const isOn = node.on.includes(of);
  if (node.locked.includes(of) && (!isOn || of === "key-changed" || of === "forked")) return "shown";
  return of === "forked" && !isOn && !node.can_fork ? "no-group" : null;
}
