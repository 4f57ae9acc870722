/** What a newcomer to the demo can do, what of it has been done, and where the rest is done. */
import type { DemoSteps } from "@/bindings/DemoSteps";

export const STEPS = ["connect", "make", "add", "agree", "write", "answer", "remove"] as const;
export type Step = (typeof STEPS)[number];

/** The providers whose people are brought into the group. */
const OTHERS = ["beta", "gamma"];

export function isDone(step: Step, done: DemoSteps): boolean {
  const all = (names: readonly string[]) => OTHERS.every((name) => names.includes(name));
  switch (step) {
    case "connect":
      return done.connected;
    case "make":
      return done.made;
    case "add":
      return all(done.asked);
    case "agree":
      return all(done.added);
    case "write":
      return done.wrote;
    case "answer":
      return all(done.answered);
    case "remove":
      return done.removed;
  }
}

/** A screen of a provider of the demo. */
export interface DemoPlace {
  node: string;
  to: "/approvals" | "/conversations";
  user?: string;
}

const alice: DemoPlace = { node: "alpha", to: "/conversations", user: "alice" };

/** Where a step is done; of those with a part at each of two providers, where it is still to do. */
export function placesOf(step: Step, done: DemoSteps): DemoPlace[] {
  switch (step) {
    case "connect":
      return [{ node: "alpha", to: "/approvals" }];
    case "make":
    case "add":
    case "write":
    case "remove":
      return [alice];
    case "agree":
      return left(done.added).map((node) => ({ node, to: "/approvals" }));
    case "answer":
      return left(done.answered).map((node) => ({
        node,
        to: "/conversations",
        user: node === "beta" ? "bob" : "carol",
      }));
  }
}

function left(names: readonly string[]): string[] {
  return OTHERS.filter((name) => !names.includes(name));
}
