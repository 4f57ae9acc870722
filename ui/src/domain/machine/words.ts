import type { Machine } from "@/bindings/Machine";
import { t } from "@/text";

/** What a machine is called: by its provider, or where that has not said its name, by its address. */
export function machineName({ provider, origin }: Machine): string {
  return provider ?? hostOf(origin);
}

/** Host and port of an origin. */
export function hostOf(origin: string): string {
  return origin.replace(/^https?:\/\//, "");
}

/** How it goes with a machine, in a few words. */
export function machineState({ standing, waiting }: Machine): string {
  const words = t.elsewhere.state;
  if (standing.state === "failing") return words[standing.fault.step];
  if (standing.state === "live" && waiting > 0) return t.elsewhere.waits(waiting);
  return words[standing.state];
}
