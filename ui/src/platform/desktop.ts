/** The window: one Tauri command carries every admin command, and a channel the events. */
import { Channel, invoke } from "@tauri-apps/api/core";
import type { EventEnvelope } from "@/bindings/EventEnvelope";
import { AdminError, type Platform, UNREACHABLE } from "./platform";

const RETRY_MS = 1_000;

export function desktop(): Platform {
  return {
    kind: "desktop",
    session: null,
    save: null,
    download: null,
    async call(command, request) {
      try {
        return await invoke("admin", { command, request });
      } catch (fault) {
        throw asAdminError(fault);
      }
    },
    subscribe(sink) {
      let closed = false;
      let timer = 0;
      const open = () => {
        const events = new Channel<EventEnvelope>();
        events.onmessage = (envelope) => {
          if (!closed) sink.event(envelope);
        };
        invoke("admin", { command: "subscribe", request: {}, events }).then(
          () => {
            if (!closed) sink.opened();
          },
          () => {
            if (closed) return;
            sink.lost();
            timer = window.setTimeout(open, RETRY_MS);
          },
        );
      };
      open();
      return () => {
        closed = true;
        window.clearTimeout(timer);
      };
    },
  };
}

function asAdminError(fault: unknown): AdminError {
  if (typeof fault === "object" && fault !== null && "code" in fault && "detail" in fault) {
    return new AdminError(String(fault.code), String(fault.detail));
  }
  return new AdminError(UNREACHABLE, typeof fault === "string" ? fault : "");
}
