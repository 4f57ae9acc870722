import type { Direction } from "@/bindings/Direction";
import type { Traffic } from "@/bindings/Traffic";
import { isError, type Kind, kindOf } from "@/domain/traffic/words";
import { t } from "@/text";

export interface Filters {
  peer: string;
  direction: Direction | "both";
  kind: Kind | "any";
  errors: boolean;
  text: string;
}

export const NO_FILTERS: Filters = { peer: "", direction: "both", kind: "any", errors: false, text: "" };

type Place = Record<keyof Filters, string>;

/** The filters that an address names; what it names wrongly filters nothing. */
export function filtersOf({ peer, direction, kind, errors, text }: Place): Filters {
  return {
    peer,
    direction: direction === "in" || direction === "out" ? direction : "both",
    kind: kind in t.traffic.kind ? (kind as Kind) : "any",
    errors: errors !== "",
    text,
  };
}

/** The same for the address, where what filters nothing is not said. */
export function placeOf({ peer, direction, kind, errors, text }: Filters): Place {
  return {
    peer,
    direction: direction === "both" ? "" : direction,
    kind: kind === "any" ? "" : kind,
    errors: errors ? "only" : "",
    text,
  };
}

export function isFiltered(filters: Filters): boolean {
  return (Object.keys(NO_FILTERS) as (keyof Filters)[]).some((key) => filters[key] !== NO_FILTERS[key]);
}

export function matches(filters: Filters): (record: Traffic) => boolean {
  const text = filters.text.toLowerCase();
  return (record) =>
    (filters.peer === "" || record.peer === filters.peer) &&
    (filters.direction === "both" || record.direction === filters.direction) &&
    (filters.kind === "any" || kindOf(record) === filters.kind) &&
    (!filters.errors || isError(record)) &&
    (text === "" ||
      record.target.toLowerCase().includes(text) ||
      record.method.toLowerCase() === text ||
      (record.code?.includes(text) ?? false) ||
      (record.peer?.includes(text) ?? false) ||
      String(record.status) === text);
}
