/** What the screen is filtered by, as it stands in the address and as the node is asked. */
import type { Asker } from "@/bindings/Asker";
import type { Direction } from "@/bindings/Direction";
import type { TrafficFilters } from "@/bindings/TrafficFilters";
import type { TrafficKind } from "@/bindings/TrafficKind";
import { t } from "@/text";

/** Spans of time that end now, in ms. */
export const SPANS = { "15m": 900_000, "1h": 3_600_000, "1d": 86_400_000, "7d": 604_800_000 } as const;
export type SpanName = keyof typeof SPANS;

export interface Filters {
  peer: string;
  direction: Direction | "both";
  kind: TrafficKind | "any";
  /** What the Doctor has had sent left out (`node`), or that alone. */
  asker: Asker | "any";
  errors: boolean;
  text: string;
  /** A span that ends now, or the time (as on the wire) from which on. */
  since: SpanName | string;
  /** The time before which. */
  until: string;
}

export const NO_FILTERS: Filters = {
  peer: "",
  direction: "both",
  kind: "any",
  asker: "any",
  errors: false,
  text: "",
  since: "",
  until: "",
};

export const ASKERS = Object.keys(t.traffic.asker) as Asker[];

export const KINDS = Object.keys(t.traffic.kind) as TrafficKind[];

type Place = Record<keyof Filters, string>;

/** The filters that an address names; what it names wrongly filters nothing. */
export function filtersOf({ peer, direction, kind, asker, errors, text, since, until }: Place): Filters {
  return {
    peer,
    direction: direction === "in" || direction === "out" ? direction : "both",
    kind: kind in t.traffic.kind ? (kind as TrafficKind) : "any",
    asker: asker === "node" || asker === "doctor" ? asker : "any",
    errors: errors !== "",
    text,
    since: isSpan(since) ? since : wireTime(since),
    until: wireTime(until),
  };
}

/** The same for the address, where what filters nothing is not said. */
export function placeOf({ peer, direction, kind, asker, errors, text, since, until }: Filters): Place {
  return {
    peer,
    direction: direction === "both" ? "" : direction,
    kind: kind === "any" ? "" : kind,
    asker: asker === "any" ? "" : asker,
    errors: errors ? "only" : "",
    text,
    since,
    until,
  };
}

/** What the node is asked for at `now`, in epoch ms. */
export function queryOf(filters: Filters, now: number): TrafficFilters {
  const { peer, direction, kind, asker, errors, text, since, until } = filters;
  const from = isSpan(since) ? new Date(now - SPANS[since]).toISOString() : since;
  return {
    ...(peer !== "" && { peer }),
    ...(direction !== "both" && { direction }),
    ...(kind !== "any" && { kind }),
    ...(asker !== "any" && { asker }),
    ...(errors && { failures: true }),
    ...(from !== "" && { since: from }),
    ...(until !== "" && { until }),
    ...(text !== "" && { text }),
  };
}

export function isFiltered(filters: Filters): boolean {
  return (Object.keys(NO_FILTERS) as (keyof Filters)[]).some((key) => filters[key] !== NO_FILTERS[key]);
}

export function isSpan(text: string): text is SpanName {
  return Object.hasOwn(SPANS, text);
}

/** Whether the times are given, rather than a span that ends now. */
export function isBetween({ since, until }: Filters): boolean {
  return until !== "" || (since !== "" && !isSpan(since));
}

/** A time as the wire has it; empty where it is none. */
export function wireTime(text: string): string {
  const at = Date.parse(text);
  // The wire has years of four digits.
  return at >= 0 && at < 253_402_300_800_000 ? new Date(at).toISOString() : "";
}

/** The same for a field in which a local time is given, to the minute. */
export function localTime(wire: string): string {
  if (wire === "") return "";
  const at = new Date(wire);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
