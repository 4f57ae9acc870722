import { describe, expect, it } from "vitest";
import type { Traffic } from "@/bindings/Traffic";
import type { TrafficFilters } from "@/bindings/TrafficFilters";
import { TrafficView } from "@/domain/traffic/view";
import { isOverOpenConnection, waterfall } from "@/domain/traffic/waterfall";
import {
  filtersOf,
  isFiltered,
  localTime,
  NO_FILTERS,
  placeOf,
  queryOf,
  wireTime,
} from "@/screens/traffic/filters";
import { at, TestNode, timing, traffic } from "./node";

const NOW = Date.parse(at());

/** A view of a node that has these requests, and what it shows. */
function view(node: TestNode, filters: () => TrafficFilters = () => ({}), most?: number) {
  const made = new TrafficView((query) => node.call("traffic", query), filters, most);
  return { view: made, ids: () => made.records.read().map(({ id }) => id) };
}

const upTo = (n: number, over: (id: number) => Partial<Traffic> = () => ({})) =>
  Array.from({ length: n }, (_, index) => traffic(index + 1, over(index + 1)));

const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, index) => from - index);

describe("the requests that filters let pass", () => {
  it("are read page by page, without a gap and none twice", async () => {
    const node = new TestNode();
    node.traffic = upTo(1_700);
    const { view: shown, ids } = view(node);
    await shown.readAnew();
    expect(ids()).toEqual(down(1_700, 1_201));
    expect(shown.reading.read()).toEqual({ state: "more" });
    await shown.readOlder();
    expect(ids()).toEqual(down(1_700, 201));
    await shown.readOlder();
    expect(ids()).toEqual(down(1_700, 1));
    expect(shown.reading.read()).toEqual({ state: "all" });
    await shown.readOlder();
    expect(node.requests("traffic")).toHaveLength(3);
  });

  it("are found on disk, however far back", async () => {
    const node = new TestNode();
    node.traffic = upTo(20_000, (id) => (id % 10_000 === 7 ? { status: 500 } : {}));
    const { view: shown, ids } = view(node, () => ({ failures: true }));
    await shown.readAnew();
    expect(ids()).toEqual([10_007, 7]);
    expect(shown.reading.read()).toEqual({ state: "all" });
  });

  it("take in what is heard, as it passes or no longer does", async () => {
    const node = new TestNode();
    node.traffic = upTo(3);
    const { view: shown, ids } = view(node, () => ({ peer: "beta.example" }));
    await shown.readAnew();
    shown.hear([
      traffic(5, { waiting: true, status: null }),
      traffic(4, { peer: "gamma.example" }),
      // A signature has proved that it is somebody else.
      traffic(3, { peer: "gamma.example" }),
    ]);
    shown.hear([traffic(5)]);
    await expect.poll(ids).toEqual([5, 2, 1]);
    expect(shown.records.read()[0]?.waiting).toBe(false);
  });

  it("keep what was heard while an older answer was under way", async () => {
    const node = new TestNode();
    node.traffic = upTo(600, (id) => (id === 50 ? { waiting: true, status: null } : {}));
    const { view: shown, ids } = view(node);
    await shown.readAnew();
    node.answers = {
      traffic: async () => {
        const answer = { records: node.traffic.slice(0, 100).toReversed(), kept: null };
        shown.hear([traffic(50), traffic(601)]);
        return answer;
      },
    };
    await shown.readOlder();
    expect(ids()).toEqual(down(601, 1));
    expect(shown.records.read().find(({ id }) => id === 50)?.waiting).toBe(false);
  });

  it("have nothing of what lies between what is shown and what is still to be read", async () => {
    const node = new TestNode();
    node.traffic = upTo(600);
    const { view: shown, ids } = view(node);
    await shown.readAnew();
    shown.hear([traffic(40, { status: 204 })]);
    shown.hear([traffic(601)]);
    await expect.poll(ids).toEqual(down(601, 101));
  });

  it("are bounded: the oldest make room, and it says so", async () => {
    const node = new TestNode();
    node.traffic = upTo(50);
    const { view: shown, ids } = view(node, () => ({}), 20);
    await shown.readAnew();
    expect(ids()).toEqual(down(50, 31));
    expect(shown.reading.read()).toEqual({ state: "full" });
    shown.hear([traffic(51), traffic(52)]);
    await expect.poll(ids).toEqual(down(52, 33));
    expect(shown.reading.read()).toEqual({ state: "full" });
  });

  it("leave a span that ends now when their time is over", async () => {
    const node = new TestNode();
    node.traffic = upTo(4);
    let since = at(1);
    const { view: shown, ids } = view(node, () => ({ since }));
    await shown.readAnew();
    expect(ids()).toEqual([4, 3, 2, 1]);
    since = at(3);
    shown.hear([traffic(5)]);
    await expect.poll(ids).toEqual([5, 4, 3]);
  });

  it("are read again where reading failed", async () => {
    const node = new TestNode();
    node.traffic = upTo(600);
    const { view: shown, ids } = view(node);
    node.down = true;
    await shown.readAnew();
    expect(shown.reading.read().state).toBe("failed");
    node.down = false;
    await shown.readOlder();
    expect(ids()).toEqual(down(600, 101));
    node.down = true;
    await shown.readOlder();
    expect(shown.reading.read().state).toBe("failed");
    node.down = false;
    await shown.readOlder();
    expect(ids()).toEqual(down(600, 1));
  });
});

describe("filters", () => {
  const place = { peer: "", direction: "", kind: "", asker: "", errors: "", text: "", since: "", until: "" };

  it("stand in the address and come out of it as they were", () => {
    for (const filters of [
      NO_FILTERS,
      {
        peer: "beta.example",
        direction: "in" as const,
        kind: "check" as const,
        asker: "doctor" as const,
        errors: true,
        text: "epoch",
        since: "1h",
        until: "",
      },
      { ...NO_FILTERS, since: "2026-11-03T10:00:00.000Z", until: "2026-11-04T10:00:00.000Z" },
    ]) {
      expect(filtersOf(placeOf(filters))).toEqual(filters);
    }
    expect(Object.values(placeOf(NO_FILTERS)).join("")).toBe("");
  });

  it("that an address names wrongly filter nothing", () => {
    const wrong = {
      ...place,
      direction: "up",
      kind: "toString",
      asker: "nurse",
      since: "1x",
      until: "never",
    };
    expect(isFiltered(filtersOf({ ...wrong, kind: "nothing" }))).toBe(false);
    expect(filtersOf(wrong).since).toBe("");
  });

  it("are asked of the node, with a span that ends now as a time", () => {
    expect(queryOf(NO_FILTERS, NOW)).toEqual({});
    const filters = { ...NO_FILTERS, peer: "beta.example", errors: true, text: "/log", since: "1h" };
    expect(queryOf(filters, NOW)).toEqual({
      peer: "beta.example",
      failures: true,
      text: "/log",
      since: at(-3_600_000),
    });
  });

  it("have local times in their fields and the wire's in the address", () => {
    const time = wireTime("2026-11-03T10:05");
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/);
    expect(localTime(time)).toBe("2026-11-03T10:05");
    expect(wireTime("")).toBe("");
    expect(wireTime("1969-01-01T00:00")).toBe("");
    expect(wireTime("+275760-01-01T00:00:00Z")).toBe("");
  });
});

describe("the parts of a request", () => {
  it("follow each other and make up the whole", () => {
    const record = traffic(1, {
      direction: "out",
      duration_ms: 200,
      timing: timing({ dns: 10, connect: 20, tls: 30, wait: 100, transfer: 20, verify: 10, store: 10 }),
    });
    const { spans, whole, rest } = waterfall(record, NOW);
    expect(spans.map(({ part }) => part)).toEqual([
      "dns",
      "connect",
      "tls",
      "wait",
      "transfer",
      "verify",
      "store",
    ]);
    expect(whole).toBe(200);
    expect(rest).toBeNull();
    expect(spans[0]?.from).toBe(0);
    expect(spans.at(-1)?.to).toBeCloseTo(1);
    for (const [index, span] of spans.slice(1).entries()) expect(span.from).toBe(spans[index]?.to);
    expect(isOverOpenConnection(record)).toBe(false);
  });

  it("say of a request to us that it is verified before it waits", () => {
    const { spans } = waterfall(traffic(1, { timing: timing({ wait: 10, verify: 2 }) }), NOW);
    expect(spans.map(({ part }) => part)).toEqual(["verify", "wait"]);
  });

  it("leave a rest where more was measured of the whole, and none for next to nothing", () => {
    const of = (duration_ms: number) =>
      waterfall(traffic(1, { duration_ms, timing: timing({ wait: 10 }) }), NOW);
    expect(of(30).rest).toBe(20);
    expect(of(10.5).rest).toBeNull();
    // What is stored after its end belongs to it too.
    expect(of(4)).toMatchObject({ whole: 10, rest: null });
  });

  it("grow while it waits, on the scale of how long it may wait", () => {
    const waiting = traffic(0, { at: at(), waiting: true, duration_ms: null, timing: timing() });
    const later = (ms: number) => waterfall(waiting, NOW + ms);
    expect(later(11_000).spans).toEqual([{ part: "wait", ms: 11_000, from: 0, to: 0.2, grows: true }]);
    expect(later(22_000).spans[0]?.to).toBeCloseTo(0.4);
    expect(later(110_000).spans[0]?.to).toBe(1);
    // The node's clock is a little behind.
    expect(later(-50).spans[0]).toMatchObject({ ms: 0, from: 0, to: 0 });
    const begun = { ...waiting, target: "/ping", timing: timing({ wait: 1_000 }) };
    expect(waterfall(begun, NOW + 3_000).spans.map(({ part, ms }) => [part, ms])).toEqual([
      ["wait", 1_000],
      ["transfer", 2_000],
    ]);
  });

  it("say that a connection was open already only where that is known", () => {
    const ours = { direction: "out" as const, timing: timing({ wait: 5 }) };
    expect(isOverOpenConnection(traffic(1, ours))).toBe(true);
    expect(isOverOpenConnection(traffic(1, { ...ours, timing: timing({ connect: 1 }) }))).toBe(false);
    expect(isOverOpenConnection(traffic(1, { ...ours, waiting: true, status: null }))).toBe(false);
    expect(isOverOpenConnection(traffic(1, {}))).toBe(false);
  });
});
