/** Something that is wrong, in words, a colour and a shape; its sentence is the node's own. */
import type { Repair } from "@/bindings/Repair";
import type { RepairSeverity } from "@/bindings/RepairSeverity";
import { remedy } from "@/domain/peer/words";
import type { Shape, Tone } from "@/shared/Mark";
import { t } from "@/text";

/** The worst first. */
export const SEVERITIES: readonly RepairSeverity[] = ["high", "medium", "low"];

export const severityMarks: Record<RepairSeverity, { tone: Tone; shape: Shape }> = {
  high: { tone: "bad", shape: "triangle" },
  medium: { tone: "warn", shape: "diamond" },
  low: { tone: "wait", shape: "half" },
};

/** What to do about it. */
export function repairRemedy({ subject, code, stage }: Repair): string {
  return remedy({ code, stage: stage ?? "store" }, subject.type !== "peer");
}

/** Where the operator's guide tells more: not of what an operator has to decide. */
export function guideSection({ kind, code }: Repair): string | undefined {
  if (code === "key-changed" || code === "peer-blocked") return undefined;
  return t.repairs.guideOf[kind.startsWith("trouble:") ? "exchange" : kind];
}
