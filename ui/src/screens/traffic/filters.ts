import type { Direction } from "@/bindings/Direction";
import type { Traffic } from "@/bindings/Traffic";
import { isError, type Kind, kindOf } from "@/domain/traffic/words";

export interface Filters {
  peer: string;
  direction: Direction | "both";
  kind: Kind | "any";
  errors: boolean;
  text: string;
}

export const NO_FILTERS: Filters = { peer: "", direction: "both", kind: "any", errors: false, text: "" };

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
