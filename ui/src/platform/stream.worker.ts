/** The worker that all tabs share: it has the one stream, and passes on what it tells. */
import type { Said, Told } from "./shared";
import { openStream } from "./stream";

const ports = new Set<MessagePort>();
/** How it stands with the stream, for a tab that comes later. */
let standing: Told | null = null;

function tell(told: Told): void {
  if (told.type !== "event") standing = told;
  for (const port of ports) port.postMessage(told);
}

const stream = openStream("", {
  opened: () => tell({ type: "opened" }),
  event: (envelope) => tell({ type: "event", envelope }),
  lost: () => {
    // What it was locked for still holds until the stream opens.
    if (standing?.type !== "locked") tell({ type: "lost" });
  },
  locked: ({ code, detail }) => tell({ type: "locked", code, detail }),
});

self.addEventListener("connect", (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port === undefined) return;
  ports.add(port);
  port.onmessage = ({ data }: MessageEvent<Said>) => {
    if (data === "gone") ports.delete(port);
    else stream.again();
  };
  if (standing !== null) port.postMessage(standing);
});
