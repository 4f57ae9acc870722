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
  // Of a group kept here, it is the others that are behind.
  if (verdict === "behind" && events !== null) return isOurs ? word.theyAhead(events) : word.behind(events);
  if (verdict === "ahead" && events !== null) return word.theyBehind(events);
  return t.comparison.verdict[verdict];
}

/** What to do, where something is wrong that somebody can act upon. */
export function copyRemedy({ code, stage, verdict }: CopyFinding): string | null {
  return code === null || verdict === "not-asked" ? null : remedy({ code, stage });
}

/** Whether the worst is so bad that the whole is said in its colour. */
export function isAlarming({ verdict }: Comparison): boolean {
  return verdict === "different" || verdict === "invalid";
}
