/** What the parts of a request took, one after the other. */
import type { Timing } from "@/bindings/Timing";
import type { Traffic } from "@/bindings/Traffic";
import { isUnsent } from "./words";

export type Part = keyof Timing;

const OUT: readonly Part[] = ["dns", "connect", "tls", "wait", "transfer", "verify", "store"];
/** We check what comes before we carry it out. */
const IN: readonly Part[] = ["verify", "wait", "transfer", "store"];
/** The bar of a request that waits is as long as that at first, where it does not say how long it waits. */
const USUAL_WAIT_MS = 10_000;
/** What is less of it than that is no part worth a line. */
const LEAST_REST = 0.01;

export interface Span {
  part: Part;
  ms: number;
  /** Where it stands in the whole, from 0 to 1. */
  from: number;
  to: number;
  /** It goes on right now. */
  grows: boolean;
}

export interface Waterfall {
  spans: readonly Span[];
  /** How long the whole is, in ms. Of one that waits, as long as it may. */
  whole: number;
  /** What was measured of the whole and of no part, in ms; null where that is next to nothing. */
  rest: number | null;
}

/** `now`: the node's time, in epoch ms, which only matters while it waits. */
export function waterfall(record: Traffic, now: number): Waterfall {
  const { timing, waiting, duration_ms } = record;
  const order = record.direction === "out" ? OUT : IN;
  const ended = order.flatMap((part) => {
    const ms = timing[part];
    return ms === null ? [] : [{ part, ms, grows: false }];
  });
  const known = sum(ended);
  const elapsed = waiting ? Math.max(now - Date.parse(record.at), known) : (duration_ms ?? 0);
  const parts = waiting ? [...ended, { part: growing(timing), ms: elapsed - known, grows: true }] : ended;
  const most = waiting ? Math.max(elapsed, askedWait(record) ?? USUAL_WAIT_MS) : elapsed;
  const whole = Math.max(most, sum(parts));
  let at = 0;
  const spans = parts.map((part) => {
    const from = at;
    at += part.ms;
    return { ...part, from: share(from, whole), to: share(at, whole) };
  });
  const rest = waiting ? 0 : whole - at;
  return { spans, whole, rest: rest > 1 && rest > whole * LEAST_REST ? rest : null };
}

/** Whether a request of ours went over a connection that was open before. */
export function isOverOpenConnection(record: Traffic): boolean {
  const { dns, connect, tls } = record.timing;
  const isAnswered = record.direction === "out" && record.status !== null && !isUnsent(record);
  return isAnswered && dns === null && connect === null && tls === null;
}

/** What goes on while there is no answer, or while it comes in. */
function growing({ wait }: Timing): Part {
  return wait === null ? "wait" : "transfer";
}

function askedWait({ target }: Traffic): number | null {
  const seconds = /[?&]wait=(\d{1,4})(?:&|$)/.exec(target)?.[1];
  return seconds === undefined ? null : Number(seconds) * 1_000;
}

function sum(parts: readonly { ms: number }[]): number {
  return parts.reduce((all, { ms }) => all + ms, 0);
}

function share(ms: number, whole: number): number {
  return whole === 0 ? 0 : ms / whole;
}
