/** Something that is wrong, in words, a colour and a shape; its sentence is the node's own. */
import type { Repair } from "@/bindings/Repair";
import type { RepairSeverity } from "@/bindings/RepairSeverity";
import { remedy } from "@/domain/peer/words";
import type { Shape, Tone } from "@/shared/Mark";

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
