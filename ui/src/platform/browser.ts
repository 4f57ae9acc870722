/** A browser: HTTP to the daemon that served this page, and server-sent events. */
import type { EventEnvelope } from "@/bindings/EventEnvelope";
import { AdminError, type Platform, TOKEN_REQUIRED, UNREACHABLE } from "./platform";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 5_000;
const CALL_TIMEOUT_MS = 30_000;

/** Where the daemon is: beside this page, unless something else is told (a test). */
export function browser(base = ""): Platform {
  return {
    kind: "browser",
    call: (command, request) => post(`${base}/admin/v1/${command}`, request),
    session: {
      enter: (token) => post(`${base}/admin/v1/session`, { token }),
    },
    save(name, content) {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([content], { type: "application/json" }));
      link.download = name;
      link.click();
      window.setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    },
    subscribe(sink) {
      let source: EventSource | null = null;
      let timer = 0;
      let retry = FIRST_RETRY_MS;
      const open = () => {
        source = new EventSource(`${base}/admin/v1/events`);
        source.onopen = () => {
          retry = FIRST_RETRY_MS;
          sink.opened();
        };
        source.onmessage = (message) => sink.event(JSON.parse(message.data) as EventEnvelope);
        source.onerror = () => {
          sink.lost();
          // A dropped connection is opened again by the browser; an answer that is not a stream ends it,
          // and only a plain request can tell whether that was for want of a session.
          if (source?.readyState !== EventSource.CLOSED) return;
          post(`${base}/admin/v1/status`, {}).catch((fault: AdminError) => {
            if (fault.code === TOKEN_REQUIRED) sink.locked();
          });
          timer = window.setTimeout(open, retry);
          retry = Math.min(retry * 2, LAST_RETRY_MS);
        };
      };
      open();
      return () => {
        source?.close();
        window.clearTimeout(timer);
      };
    },
  };
}

/** Takes the token out of the link that the daemon printed, so that it stays neither in view nor in the history. */
export function takeToken(): string | null {
  const token = /^#token=(.+)$/.exec(window.location.hash)?.[1];
  if (token === undefined) return null;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return decodeURIComponent(token);
}

async function post<T>(url: string, body: unknown): Promise<T> {
  let response: Response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      credentials: "same-origin",
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
    });
  } catch {
    throw new AdminError(UNREACHABLE, "");
  }
  const text = await response.text().catch(() => "");
  if (response.ok) return (text === "" ? {} : parse(text)) as T;
  const fault = parse(text) as { code?: unknown; detail?: unknown } | null;
  if (typeof fault?.code === "string") throw new AdminError(fault.code, String(fault.detail ?? ""));
  throw new AdminError(UNREACHABLE, "");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
