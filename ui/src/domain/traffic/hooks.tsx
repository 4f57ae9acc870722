import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import type { Traffic } from "@/bindings/Traffic";
import { useAdmin } from "@/domain/node/admin";
import { useStore } from "@/shared/store";
import { MOST, TrafficBuffer } from "./buffer";

const TrafficContext = createContext<TrafficBuffer | null>(null);
/** Soon there; the rest follows where there is more. */
const READ_AT_FIRST = 500;

/** Keeps listening whatever screen is shown, so that Traffic is full when it is opened. */
export function TrafficProvider({ children }: { children: ReactNode }) {
  const admin = useAdmin();
  const buffer = useMemo(() => new TrafficBuffer(), []);
  useEffect(() => {
    let run = 0;
    const read = async () => {
      run += 1;
      const mine = run;
      try {
        for (const limit of [READ_AT_FIRST, MOST]) {
          const { records } = await admin.call("traffic", { limit });
          if (mine !== run) return;
          buffer.take(records.toReversed());
          if (records.length < limit) return;
        }
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

/** The requests kept, newest first. */
export function useTraffic(): readonly Traffic[] {
  const buffer = useContext(TrafficContext);
  if (buffer === null) throw new Error("useTraffic is used outside of TrafficProvider");
  return useStore(buffer.records);
}
