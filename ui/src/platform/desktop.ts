/** The window: one Tauri command carries every admin command, and a channel the events; others are about other machines. */
import { Channel, invoke } from "@tauri-apps/api/core";
import type { EventEnvelope } from "@/bindings/EventEnvelope";
import type { MachineFault } from "@/bindings/MachineFault";
import type { Machines } from "@/bindings/Machines";
import { AdminError, type Elsewhere, isLocked, type Platform, UNREACHABLE } from "./platform";

const RETRY_MS = 1_000;

/** What the shell tells of the provider that is shown. One on another machine it tries again by itself. */
type Told =
  | { type: "opened" }
  | { type: "event"; envelope: EventEnvelope }
  | { type: "lost"; fault: { code: string; detail: string; fault: MachineFault } };

/** The provider on that machine, whose pages are at `origin`; this computer's own without one. */
export function desktop(machine: string | null = null, origin = ""): Platform {
  return {
    kind: "desktop",
    machine,
    elsewhere,
    // A session with another machine is had where that is added.
    entrance: null,
    session: machine === null ? null : { origin, current: () => ask("machine_session", { id: machine }) },
    save: null,
    download: null,
    call: (command, request) => ask("admin", { machine, command, request }),
    subscribe(sink) {
      let closed = false;
      let timer = 0;
      const open = () => {
        const events = new Channel<Told>();
        events.onmessage = (told) => {
          if (closed) return;
          if (told.type === "opened") sink.opened();
          else if (told.type === "event") sink.event(told.envelope);
          else {
            const why = asAdminError(told.fault);
            if (isLocked(why)) sink.locked(why);
            else sink.lost(why);
          }
        };
        ask("admin", { machine, command: "subscribe", request: {}, events }).catch((fault: AdminError) => {
          if (closed) return;
          sink.lost(fault);
          timer = window.setTimeout(open, RETRY_MS);
        });
      };
      open();
      return () => {
        closed = true;
        window.clearTimeout(timer);
      };
    },
  };
}

const elsewhere: Elsewhere = {
  follow(told) {
    const changes = new Channel<Machines>();
    let closed = false;
    changes.onmessage = (machines) => {
      if (!closed) told(machines);
    };
    let timer = 0;
    const open = () => {
      ask("machines", { changes }).catch(() => {
        if (!closed) timer = window.setTimeout(open, RETRY_MS);
      });
    };
    open();
    return () => {
      closed = true;
      window.clearTimeout(timer);
    };
  },
  look: (link) => ask("look_at_machine", { link }),
  add: (link, confirmed, replaces) => ask("add_machine", { link, confirmed, replaces }),
  show: (id) => ask("show_machine", { id }),
  trust: (id, fingerprint) => ask("trust_machine", { id, fingerprint }),
  retry: (id) => ask("retry_machine", { id }),
  forget: (id) => ask("forget_machine", { id }),
  at: desktop,
};

async function ask<T>(command: string, request: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, request);
  } catch (fault) {
    throw asAdminError(fault);
  }
}

function asAdminError(fault: unknown): AdminError {
  if (typeof fault === "object" && fault !== null && "code" in fault && "detail" in fault) {
    const step = "fault" in fault ? (fault.fault as MachineFault) : null;
    return new AdminError(String(fault.code), String(fault.detail), step);
  }
  return new AdminError(UNREACHABLE, typeof fault === "string" ? fault : "");
}
