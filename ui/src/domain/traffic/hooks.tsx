import { createContext, type ReactNode, useContext, useEffect, useMemo, useRef } from "react";
import type { Traffic } from "@/bindings/Traffic";
import type { TrafficFilters } from "@/bindings/TrafficFilters";
import { useAdmin, useRead } from "@/domain/node/admin";
import { now } from "@/shared/clock";
import { useStore } from "@/shared/store";
import { MOST, TrafficBuffer } from "./buffer";
import { STEP_MS, STEPS } from "./rate";
import { type Reading, TrafficView } from "./view";

const TrafficContext = createContext<TrafficBuffer | null>(null);
/** What the charts show: a pull counts when it ends, and may have waited for a minute. */
const LATELY_MS = STEP_MS * STEPS + 60_000;
/** The count of what is kept is read again so often. */
const KEPT_MS = 10_000;

/** Keeps listening whatever screen is shown: the charts show the last minutes. */
export function TrafficProvider({ children }: { children: ReactNode }) {
  const admin = useAdmin();
  const buffer = useMemo(() => new TrafficBuffer(), []);
  useEffect(() => {
    let run = 0;
    const read = async () => {
      run += 1;
      const mine = run;
      try {
        const since = new Date(now() - LATELY_MS).toISOString();
        const { records } = await admin.call("traffic", { filters: { since }, limit: MOST });
        if (mine === run) buffer.take(records.toReversed());
      } catch {
        // The banner says that the node is gone; it is read again when it is back.
      }
    };
    const stop = admin.live.listen({
      traffic: (records) => buffer.take(records),
      reloaded: () => {
        buffer.clear();
        void read();
      },
    });
    void read();
    return () => {
      run += 1;
      stop();
    };
  }, [admin, buffer]);
  return <TrafficContext.Provider value={buffer}>{children}</TrafficContext.Provider>;
}

/** The requests of the last minutes, newest first. */
export function useTraffic(): readonly Traffic[] {
  const buffer = useContext(TrafficContext);
  if (buffer === null) throw new Error("useTraffic is used outside of TrafficProvider");
  return useStore(buffer.records);
}

export interface TrafficFound {
  /** Newest first, as far as they were read. */
  records: readonly Traffic[];
  reading: Reading;
  readOlder: () => void;
}

/** The requests that `filters` let pass. `key` tells other filters from the same. */
export function useTrafficView(filters: () => TrafficFilters, key: string): TrafficFound {
  const admin = useAdmin();
  const before = useRef<TrafficView>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what the filters are is told by their key.
  const view = useMemo(() => new TrafficView((query) => admin.call("traffic", query), filters), [admin, key]);
  useEffect(() => {
    const stop = admin.live.listen({
      traffic: (records) => view.hear(records),
      reloaded: () => void view.readAnew(),
    });
    void view.open(before.current?.records.read() ?? []);
    before.current = view;
    return () => {
      stop();
      view.close();
    };
  }, [admin, view]);
  const records = useStore(view.records);
  const reading = useStore(view.reading);
  const readOlder = useMemo(() => () => void view.readOlder(), [view]);
  return { records, reading, readOlder };
}

/** What is kept on disk: undefined until it is read, null where nothing is to be. */
export function useKept() {
  return useRead("traffic", { limit: 0 }, { every: KEPT_MS }).data?.kept;
}

/** The request `id`: undefined until it is read, null where it is no longer kept. `shown`: what is known already. */
export function useRequest(id: number, shown: readonly Traffic[]): Traffic | null | undefined {
  const lately = useTraffic();
  const known = shown.find((record) => record.id === id) ?? lately.find((record) => record.id === id);
  const read = useRead("traffic", { before: id + 1, limit: 1 }, { enabled: known === undefined });
  if (known !== undefined) return known;
  if (read.data === undefined) return read.error === null ? undefined : null;
  return read.data.records.find((record) => record.id === id) ?? null;
}
