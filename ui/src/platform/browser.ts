/** A browser: HTTP to the daemon that served this page, and server-sent events. */
import type { AdminError, Platform } from "./platform";
import { get, post } from "./post";
import { joinStream } from "./shared";
import type { Stream } from "./stream";

/** Where the daemon is: beside this page. With `refused`, the token of this page's address was not taken. */
export function browser(base = "", refused: AdminError | null = null): Platform {
  let stream: Stream | null = null;
  return {
    kind: "browser",
    machine: null,
    elsewhere: null,
    call: (command, request) => post(`${base}/admin/v1/${command}`, request),
    entrance: {
      refused,
      async enter(token) {
        await post(`${base}/admin/v1/session`, { token });
        // Other tabs have waited for it too.
        stream?.again();
      },
    },
    session: {
      origin: window.location.origin,
      current: async () => (await get<{ id: string }>(`${base}/admin/v1/session`)).id,
    },
    save(name, content) {
      const url = URL.createObjectURL(new Blob([content], { type: "application/json" }));
      follow(url, name);
      window.setTimeout(() => URL.revokeObjectURL(url), 10_000);
    },
    download: (path) => follow(`${base}${path}`, ""),
    subscribe(sink) {
      const joined = joinStream(base, sink);
      stream = joined;
      return () => {
        joined.close();
        if (stream === joined) stream = null;
      };
    },
  };
}

/** Has the browser download what is at `url`; without a name, under the one that the node gives it. */
function follow(url: string, name: string): void {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

/** Takes the token out of the link that the daemon printed, so that it stays neither in view nor in the history. */
export function takeToken(): string | null {
  const token = /^#token=(.+)$/.exec(window.location.hash)?.[1];
  if (token === undefined) return null;
  window.history.replaceState(null, "", window.location.pathname + window.location.search);
  return decodeURIComponent(token);
}
