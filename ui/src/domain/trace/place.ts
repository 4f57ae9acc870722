/** Which event a trace is of: said in the address, so that it can be linked to. */
import type { RequestOf } from "@/platform";

/** `?group=…&seq=7`, `?group=…&sender=…&time=…`, or `?submission=…`. */
export interface TracePlace {
  group?: string | undefined;
  seq?: string | undefined;
  sender?: string | undefined;
  time?: string | undefined;
  submission?: string | undefined;
}

/** What is asked of the node there; null where nothing whole stands in the address. */
export function traceOf({ group, seq, sender, time, submission }: TracePlace): RequestOf<"trace"> | null {
  if (submission !== undefined) return { submission };
  if (group === undefined) return null;
  if (seq !== undefined) return /^[1-9][0-9]{0,15}$/.test(seq) ? { group, seq: Number(seq) } : null;
  return sender !== undefined && time !== undefined ? { group, sender, time } : null;
}

/** What a person has typed: a group and a number, or an id. Null where it is neither. */
export function typedTrace(typed: string): TracePlace | null {
  const words = typed.trim().split(/\s+/);
  const [what = "", seq] = words;
  if (words.length === 2 && seq !== undefined && /^[1-9][0-9]{0,15}$/.test(seq)) return { group: what, seq };
  return words.length === 1 && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(what)
    ? { submission: what }
    : null;
}

/** What was typed for what stands in the address. */
export function typedOf({ group, seq, submission }: TracePlace): string {
  if (submission !== undefined) return submission;
  return group !== undefined && seq !== undefined ? `${group} ${seq}` : "";
}
