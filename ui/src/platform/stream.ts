/**
 * The stream of events of the daemon, kept open. It has a heartbeat: a node that hangs keeps its connections, so only
 * its silence tells.
 */
import type { EventEnvelope } from "@/bindings/EventEnvelope";
import { AdminError, type EventSink, isLocked, UNREACHABLE } from "./platform";
import { post } from "./post";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 5_000;
/** The daemon is heard every five seconds. */
const SILENCE_MS = 15_000;

export interface Stream {
  /** Tries at once: a session may have been made. */
  again(): void;
  close(): void;
}

export function openStream(base: string, sink: EventSink): Stream {
  let source: EventSource | null = null;
  let retry = FIRST_RETRY_MS;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let silenceTimer: ReturnType<typeof setTimeout> | undefined;

  const stop = () => {
    source?.close();
    clearTimeout(retryTimer);
    clearTimeout(silenceTimer);
  };
  const later = () => {
    stop();
    retryTimer = setTimeout(open, retry);
    retry = Math.min(retry * 2, LAST_RETRY_MS);
  };
  const heard = () => {
    clearTimeout(silenceTimer);
    silenceTimer = setTimeout(() => {
      sink.lost();
      later();
    }, SILENCE_MS);
  };
  /** An answer that is not a stream ends it; only a plain request can tell whether that was for want of a session. */
  const ask = async () => {
    try {
      await post(`${base}/admin/v1/status`, {});
    } catch (fault) {
      if (fault instanceof AdminError && isLocked(fault)) sink.locked(fault);
      else if (!(fault instanceof AdminError) || fault.code !== UNREACHABLE) throw fault;
    }
  };
  const open = () => {
    stop();
    const opened = new EventSource(`${base}/admin/v1/events`);
    source = opened;
    // A daemon that takes the connection and does not answer is silent too.
    heard();
    opened.onopen = () => {
      retry = FIRST_RETRY_MS;
      heard();
      sink.opened();
    };
    opened.onmessage = (message) => {
      heard();
      sink.event(JSON.parse(message.data) as EventEnvelope);
    };
    opened.addEventListener("beat", heard);
    opened.onerror = () => {
      sink.lost();
      later();
      void ask();
    };
  };
  open();
  return {
    again: () => {
      retry = FIRST_RETRY_MS;
      open();
    },
    close: stop,
  };
}
