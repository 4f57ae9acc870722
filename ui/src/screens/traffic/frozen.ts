/**
 * The rows that are shown. While somebody looks at them (points at the list, has scrolled down, or has paused)
 * nothing is inserted: what is on the screen stays where it is, and what is shown of it is still kept up to date.
 */
import { useMemo, useRef } from "react";
import type { Traffic } from "@/bindings/Traffic";

export interface Shown {
  rows: readonly Traffic[];
  /** How many came meanwhile. */
  fresh: number;
  /** Goes up to date though it is looked at. */
  catchUp: () => void;
}

/** `records`: those that match the filters, newest first. `view`: another one shows other filters, so it begins anew. */
export function useFrozen(records: readonly Traffic[], still: boolean, view: string): Shown {
  const newest = useRef<{ id: number; view: string } | null>(null);
  const top = records[0]?.id ?? 0;
  const held = newest.current;
  // Another view, nothing held, or another run of the node whose numbers begin anew.
  if (!still || held === null || held.view !== view || top < held.id) newest.current = { id: top, view };
  const limit = newest.current?.id ?? top;
  return useMemo(() => {
    const from = records.findIndex((record) => record.id <= limit);
    const fresh = from === -1 ? records.length : from;
    return {
      rows: fresh === 0 ? records : records.slice(fresh),
      fresh,
      catchUp: () => {
        newest.current = null;
      },
    };
  }, [records, limit]);
}
