/** How many pulls were answered, in steps of time. */
import type { Traffic } from "@/bindings/Traffic";
import { kindOf } from "./words";

export const STEP_MS = 5_000;
export const STEPS = 60;

export interface Step {
  /** Theirs, answered here. */
  in: number;
  /** Ours, answered there. */
  out: number;
}

/** The last `STEPS` steps, oldest first; a pull counts when it was answered. */
export function pullRate(records: readonly Traffic[], now: number): Step[] {
  const steps = Array.from({ length: STEPS }, (): Step => ({ in: 0, out: 0 }));
  const end = Math.ceil(now / STEP_MS) * STEP_MS;
  for (const record of records) {
    if (record.waiting || record.status !== 200 || kindOf(record) !== "pull") continue;
    const answered = Date.parse(record.at) + (record.duration_ms ?? 0);
    const step = steps[STEPS - 1 - Math.floor((end - answered) / STEP_MS)];
    if (step !== undefined) step[record.direction] += 1;
  }
  return steps;
}
