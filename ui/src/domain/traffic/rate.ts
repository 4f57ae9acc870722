/** How many pulls were answered, in steps of time. */
import type { Traffic } from "@/bindings/Traffic";

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
    if (!isEndedPull(record) || !isAnswered(record)) continue;
    const step = steps[STEPS - 1 - Math.floor((end - endOf(record)) / STEP_MS)];
    if (step !== undefined) step[record.direction] += 1;
  }
  return steps;
}

/** How many pulls, ours and theirs, ended within the last `span` ms, by what became of them. */
export function endedPulls(
  records: readonly Traffic[],
  now: number,
  span: number,
): { answered: number; failed: number } {
  const ended = records.filter((record) => isEndedPull(record) && endOf(record) > now - span);
  const answered = ended.filter(isAnswered).length;
  return { answered, failed: ended.length - answered };
}

/** None that the Doctor makes: how often somebody looks is not how it goes. */
function isEndedPull({ waiting, kind, asker }: Traffic): boolean {
  return !waiting && kind === "pull" && asker === "node";
}

/** A page that could not be used is no answer. */
function isAnswered({ status, stage }: Traffic): boolean {
  return status === 200 && stage === null;
}

function endOf(record: Traffic): number {
  return Date.parse(record.at) + (record.duration_ms ?? 0);
}
