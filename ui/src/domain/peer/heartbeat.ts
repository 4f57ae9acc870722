/** What a heartbeat says, in words and as places in the traffic record. */
import type { Direction } from "@/bindings/Direction";
import type { HeartbeatSlot } from "@/bindings/HeartbeatSlot";
import type { HeartbeatSpan } from "@/bindings/HeartbeatSpan";
import { useRead } from "@/domain/node/admin";
import { timeRange } from "@/shared/format";
import { lineText } from "@/shared/text";
import { t } from "@/text";

/** It grows with each request, of which no event tells. */
const EVERY_MS = 5_000;
/** A request that failed in a slot may have begun so long before: a pull waits. */
const WAITED_MS = 80_000;

export const SPANS = Object.keys(t.heartbeat.spans) as HeartbeatSpan[];

/** The span that an address names; one that it names wrongly is the first. */
export function spanOf(text: string): HeartbeatSpan {
  return SPANS.find((span) => span === text) ?? "1h";
}

export function useHeartbeats(provider: string, span: HeartbeatSpan) {
  // The bars of another span stay until those of this one are there, so that nothing moves.
  return useRead("heartbeats", { provider, span }, { every: EVERY_MS, keep: true });
}

/** The slots of one direction, as they lie in time. */
export interface Bar {
  direction: Direction;
  slots: readonly HeartbeatSlot[];
  /** When the first begins, in epoch ms. */
  from: number;
  slotMs: number;
}

export function slotTime({ from, slotMs }: Bar, index: number): string {
  const begins = from + index * slotMs;
  return timeRange(begins, begins + slotMs, slotMs < 60_000 ? "seconds" : "minutes");
}

const codeOf = ({ code }: HeartbeatSlot) => lineText(code ?? "other", 64);

/** One slot in words. */
export function slotText(bar: Bar, index: number): string {
  const slot = bar.slots[index];
  if (slot === undefined) return "";
  const what = t.heartbeat.slot[slot.state](slot.good, slot.failed, codeOf(slot));
  return t.heartbeat.at(slotTime(bar, index), what);
}

/** All of them in one sentence. */
export function summary(bar: Bar): string {
  const { slots } = bar;
  const failed = slots.filter((slot) => slot.failed > 0).length;
  const latest = slots.findLastIndex((slot) => slot.failed > 0);
  const slot = slots[latest];
  if (slot !== undefined)
    return t.heartbeat.failures(failed, slots.length, slotTime(bar, latest), codeOf(slot));
  const asked = slots.filter(({ good }) => good > 0).length;
  return asked === 0 ? t.heartbeat.never : t.heartbeat.noFailure(asked);
}

/** Where the requests of a slot are in the traffic record: its failures, where it has some. Nothing where nothing was asked. */
export function trafficOf(provider: string, bar: Bar, index: number) {
  const slot = bar.slots[index];
  if (slot === undefined || slot.good + slot.failed === 0) return null;
  const begins = bar.from + index * bar.slotMs;
  const time = (ms: number) => new Date(Math.max(0, ms)).toISOString();
  return {
    peer: provider,
    direction: bar.direction,
    // What the Doctor has had sent is not counted.
    asker: "node",
    ...(slot.failed > 0 && { errors: "only" }),
    since: time(begins - WAITED_MS),
    until: time(begins + bar.slotMs),
  };
}
