/**
 * One stream for all tabs. A browser opens six connections to a host at most, and each stream holds one: the seventh
 * tab would wait for ever, and with it every call of the others. So a worker that the tabs share has the stream.
 */
import type { EventEnvelope } from "@/bindings/EventEnvelope";
import { AdminError, type EventSink } from "./platform";
import { openStream, type Stream } from "./stream";

/** What the worker tells a tab. */
export type Told =
  | { type: "opened" }
  | { type: "lost" }
  | { type: "locked"; code: string; detail: string }
  | { type: "event"; envelope: EventEnvelope };

/** What a tab tells the worker. */
export type Said = "again" | "gone";

/** The stream of this tab: the shared one where the browser has shared workers, else one of its own. */
export function joinStream(base: string, sink: EventSink): Stream {
  if (typeof SharedWorker === "undefined") return openStream(base, sink);
  let joined = join(sink);
  const say = (said: Said) => joined.port.postMessage(said);
  const leave = () => say("gone");
  // A page that is kept for the way back is frozen; when it is shown again it has missed what was told.
  const back = (event: PageTransitionEvent) => {
    if (event.persisted) joined = join(sink);
  };
  window.addEventListener("pagehide", leave);
  window.addEventListener("pageshow", back);
  return {
    again: () => say("again"),
    close: () => {
      window.removeEventListener("pagehide", leave);
      window.removeEventListener("pageshow", back);
      leave();
      joined.port.close();
    },
  };
}

function join(sink: EventSink): SharedWorker {
  const worker = new SharedWorker(new URL("./stream.worker.ts", import.meta.url), { type: "module" });
  worker.port.onmessage = ({ data }: MessageEvent<Told>) => {
    switch (data.type) {
      case "opened":
        return sink.opened();
      case "lost":
        return sink.lost();
      case "locked":
        return sink.locked(new AdminError(data.code, data.detail));
      case "event":
        return sink.event(data.envelope);
    }
  };
  return worker;
}
