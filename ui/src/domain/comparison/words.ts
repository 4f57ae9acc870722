/** What a comparison found, in words and shapes. */
import type { Comparison } from "@/bindings/Comparison";
import type { CopyFinding } from "@/bindings/CopyFinding";
import type { CopyVerdict } from "@/bindings/CopyVerdict";
import { remedy } from "@/domain/peer/words";
import type { Shape, Tone } from "@/shared/Mark";
import { t } from "@/text";

export const copyMark: Record<CopyVerdict, { tone: Tone; shape: Shape }> = {
  equal: { tone: "ok", shape: "tick" },
  behind: { tone: "wait", shape: "half" },
  ahead: { tone: "wait", shape: "half" },
  different: { tone: "bad", shape: "cross" },
  invalid: { tone: "bad", shape: "diamond" },
  refused: { tone: "warn", shape: "square" },
  waits: { tone: "muted", shape: "bars" },
  unanswered: { tone: "warn", shape: "triangle" },
  "not-asked": { tone: "muted", shape: "dash" },
};

/** The verdict in words, with its number where it has one. */
export function copyWord({ verdict, events, differs_from }: CopyFinding, isOurs: boolean): string {
  const { word } = t.comparison;
  if (verdict === "different" && differs_from !== null) return word.differentFrom(differs_from);
  if (verdict === "behind" && events !== null) return word.theyBehind(events);
  // Of a group kept elsewhere, it is we who have yet to fetch the rest.
  if (verdict === "ahead" && events !== null) return isOurs ? word.theyAhead(events) : word.weBehind(events);
  return t.comparison.verdict[verdict];
}

/** What to do, where something is wrong that somebody can act upon. */
export function copyRemedy({ code, stage, verdict }: CopyFinding): string | null {
  // Who is not let in, or blocked, is not asked, as the operator has decided; a key that has changed waits for a decision.
  const isDecided = verdict === "not-asked" && code !== "key-changed";
  return code === null || isDecided ? null : remedy({ code, stage });
}

/** Whether the worst is so bad that the whole is said in its colour. */
export function isAlarming({ verdict }: Comparison): boolean {
  return verdict === "different" || verdict === "invalid";
}
