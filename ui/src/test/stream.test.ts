/** The stream of a browser, with a stream and a clock of the test's. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openStream, type Stream } from "@/platform/stream";

class FakeSource {
  static latest: FakeSource;
  static count = 0;
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onerror: (() => void) | null = null;
  closed = false;
  #beat: (() => void) | null = null;

  constructor() {
    FakeSource.latest = this;
    FakeSource.count += 1;
  }

  addEventListener(kind: string, heard: () => void) {
    if (kind === "beat") this.#beat = heard;
  }

  beat() {
    this.#beat?.();
  }

  close() {
    this.closed = true;
  }
}

function answer(status: number, body: unknown) {
  return vi.fn(async () => new Response(JSON.stringify(body), { status }));
}

describe("the stream of a browser", () => {
  const told: string[] = [];
  let stream: Stream;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("EventSource", FakeSource);
    FakeSource.count = 0;
    told.length = 0;
    stream = openStream("", {
      opened: () => told.push("opened"),
      event: ({ cursor }) => told.push(`event ${cursor}`),
      lost: () => told.push("lost"),
      locked: ({ code }) => told.push(code),
    });
  });

  afterEach(() => {
    stream.close();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("takes silence for the loss of the node, and a beat for its life", () => {
    FakeSource.latest.onopen?.();
    for (let beat = 0; beat < 10; beat++) {
      vi.advanceTimersByTime(5_000);
      FakeSource.latest.beat();
    }
    expect(told).toEqual(["opened"]);
    const hung = FakeSource.latest;
    vi.advanceTimersByTime(15_000);
    expect(told).toEqual(["opened", "lost"]);
    expect(hung.closed).toBe(true);
    vi.advanceTimersByTime(1_000);
    expect(FakeSource.latest).not.toBe(hung);
    FakeSource.latest.onopen?.();
    FakeSource.latest.onmessage?.({ data: JSON.stringify({ incarnation: "a", cursor: 7, event: {} }) });
    expect(told).toEqual(["opened", "lost", "opened", "event 7"]);
  });

  it("says that it was never opened, and goes on trying", () => {
    vi.advanceTimersByTime(15_000);
    expect(told).toEqual(["lost"]);
    vi.advanceTimersByTime(60_000);
    expect(FakeSource.count).toBeGreaterThan(2);
  });

  it.each(["token-required", "session-ended"])("asks why it was refused: %s", async (code) => {
    vi.stubGlobal("fetch", answer(401, { code, detail: "" }));
    FakeSource.latest.onerror?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(told).toEqual(["lost", code]);
    // A session that was made is used at once.
    stream.again();
    FakeSource.latest.onopen?.();
    expect(told.at(-1)).toBe("opened");
  });
});
