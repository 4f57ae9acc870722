/** Where an event stands, in words and shapes. */
import type { Trace } from "@/bindings/Trace";
import type { TraceCode } from "@/bindings/TraceCode";
import type { TraceState } from "@/bindings/TraceState";
import type { TraceStep } from "@/bindings/TraceStep";
import type { Shape, Tone } from "@/shared/Mark";

interface Mark {
  tone: Tone;
  shape: Shape;
}

export const stateMark: Record<TraceState, Mark> = {
  done: { tone: "ok", shape: "tick" },
  here: { tone: "warn", shape: "triangle" },
  ahead: { tone: "muted", shape: "ring" },
  failed: { tone: "bad", shape: "cross" },
  unknown: { tone: "muted", shape: "dash" },
};

export const codeMark: Record<TraceCode, Mark> = {
  arrived: { tone: "ok", shape: "tick" },
  "not-known": { tone: "muted", shape: "dash" },
  refused: { tone: "bad", shape: "cross" },
  gone: { tone: "bad", shape: "cross" },
  "log-broken": { tone: "bad", shape: "diamond" },
  "in-outbox": { tone: "warn", shape: "triangle" },
  "not-here": { tone: "warn", shape: "triangle" },
  "not-pulled": { tone: "warn", shape: "triangle" },
  "not-acknowledged": { tone: "wait", shape: "half" },
  "not-read": { tone: "wait", shape: "half" },
};

/** Steps that belong together: those on the way to the log, and those of each reader. */
export interface TracePart {
  reader: string | null;
  steps: TraceStep[];
}

export function parts({ steps }: Pick<Trace, "steps">): TracePart[] {
  const all: TracePart[] = [];
  for (const step of steps) {
    const last = all.at(-1);
    if (last !== undefined && last.reader === step.reader) last.steps.push(step);
    else all.push({ reader: step.reader, steps: [step] });
  }
  return all;
}
