import type { Traffic } from "@/bindings/Traffic";
import type { TrafficFilters } from "@/bindings/TrafficFilters";
import { isError } from "./words";

/** Whether the node would find `record` with these filters: what is live is filtered here, what is older by the node. */
export function passes(filters: TrafficFilters, record: Traffic): boolean {
  const { peer, direction, kind, asker, failures = false, since, until, text } = filters;
  return (
    (peer === undefined || record.peer === peer) &&
    (direction === undefined || record.direction === direction) &&
    (kind === undefined || record.kind === kind) &&
    (asker === undefined || record.asker === asker) &&
    (!failures || isError(record)) &&
    // Times are written in one form, so that the earlier one is also the lesser text.
    (since === undefined || record.at >= since) &&
    (until === undefined || record.at < until) &&
    (text === undefined || hasText(record, text.toLowerCase()))
  );
}

function hasText({ target, code, text }: Traffic, wanted: string): boolean {
  return [target, code, text].some((told) => told?.toLowerCase().includes(wanted));
}
