import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { TrafficBuffer } from "@/domain/traffic/buffer";
import { pullRate, STEPS } from "@/domain/traffic/rate";
import { kindOf } from "@/domain/traffic/words";
import { at, TestNode, traffic } from "./node";
import { open } from "./render";

describe("the buffer of requests", () => {
  it("keeps the latest, newest first", () => {
    const buffer = new TrafficBuffer(100);
    for (let id = 1; id <= 1_000; id += 1) buffer.take([traffic(id)]);
    buffer.publish();
    const ids = buffer.records.read().map((record) => record.id);
    expect(ids).toHaveLength(100);
    expect(ids[0]).toBe(1_000);
    expect(ids.at(-1)).toBe(901);
  });

  it("replaces a waiting request by its answer, whichever comes first", () => {
    const buffer = new TrafficBuffer();
    buffer.take([traffic(2, { status: 200 })]);
    // A list that was read before the answer came.
    buffer.take([traffic(1), traffic(2, { waiting: true, status: null })]);
    buffer.publish();
    expect(buffer.records.read().map(({ id, waiting }) => [id, waiting])).toEqual([
      [2, false],
      [1, false],
    ]);
  });

  it("is emptied for another run, whose numbers begin anew", () => {
    const buffer = new TrafficBuffer();
    buffer.take([traffic(500)]);
    buffer.clear();
    buffer.take([traffic(1)]);
    buffer.publish();
    expect(buffer.records.read().map((record) => record.id)).toEqual([1]);
  });
});

describe("traffic", () => {
  const rows = () => screen.getAllByTestId("traffic-row");

  it("shows a pull while it waits and when it is answered", async () => {
    const node = new TestNode();
    open(node, "/traffic");
    await screen.findByText("Nothing has crossed the wire yet.");
    act(() =>
      node.emit({
        type: "traffic",
        records: [traffic(1, { waiting: true, status: null, duration_ms: null })],
      }),
    );
    const row = await screen.findByTestId("traffic-row");
    expect(row).toHaveTextContent(/Pull.*waiting/);
    act(() => node.emit({ type: "traffic", records: [traffic(1)] }));
    await waitFor(() => expect(screen.getByTestId("traffic-row")).toHaveTextContent(/200.*12 ms/));
  });

  it("says of a request that never left that it was not sent, and why", async () => {
    const node = new TestNode();
    const refused = { direction: "out", status: null, verified: false, response_bytes: 0 } as const;
    node.traffic = [
      traffic(1, {
        ...refused,
        stage: "policy",
        code: "address-refused",
        text: "your settings do not allow 10.0.0.3",
        request_headers: [],
      }),
      traffic(2, { ...refused, stage: "connect", code: "connection-refused", text: "nothing listens there" }),
      // It was taken, and the answer did not come.
      traffic(3, { ...refused, stage: "http", code: "timeout", text: "it did not answer in time" }),
    ];
    const { person } = open(node, "/traffic");
    await waitFor(() => expect(rows()).toHaveLength(3));
    const [taken, unreached, forbidden] = rows();
    expect(taken).toHaveTextContent(/from us to them.*Answer/);
    expect(taken).not.toHaveTextContent("not sent");
    expect(unreached).toHaveTextContent("not sent: Connection");
    expect(forbidden).toHaveTextContent("was to go from us to them");
    expect(forbidden).toHaveTextContent("not sent: Permission");
    expect(within(forbidden as HTMLElement).getByTitle(/do not allow 10\.0\.0\.3/)).toBeInTheDocument();
    await person.click(within(forbidden as HTMLElement).getByText("Pull"));
    const details = await screen.findByRole("complementary");
    expect(details).toHaveTextContent("your settings do not allow 10.0.0.3");
    expect(details).toHaveTextContent("Sentnothing: it was not sent");
    expect(details).not.toHaveTextContent(/no answer that could be verified|from us to them(?<!was to go.*)/);
  });

  it("says of a pull that waits that it waits, and not that its answer fails", async () => {
    const node = new TestNode();
    node.traffic = [
      traffic(1, { direction: "out", waiting: true, verified: false, status: null, duration_ms: null }),
    ];
    open(node, "/traffic?open=1");
    const details = await screen.findByRole("complementary");
    await waitFor(() => expect(details).toHaveTextContent("Signaturenot answered yet: it waits"));
    expect(details).toHaveTextContent("None yet: it waits for the answer.");
    expect(details).not.toHaveTextContent("no answer that could be verified");
  });

  it("moves nothing under the pointer, counts what is new, and catches up when asked", async () => {
    const node = new TestNode();
    node.traffic = [traffic(1, { target: "/ping" }), traffic(2, { waiting: true, status: null })];
    open(node, "/traffic");
    await waitFor(() => expect(rows()).toHaveLength(2));
    fireEvent.pointerEnter(screen.getByTestId("traffic-list"));

    act(() => node.emit({ type: "traffic", records: [traffic(2), traffic(3), traffic(4)] }));
    const pill = await screen.findByTestId("traffic-new");
    expect(pill).toHaveTextContent("2 new");
    expect(rows()).toHaveLength(2);
    // What is shown is still kept up to date, in its place.
    expect(rows()[0]).toHaveTextContent("200");

    fireEvent.click(pill);
    await waitFor(() => expect(rows()).toHaveLength(4));
    act(() => node.emit({ type: "traffic", records: [traffic(5)] }));
    await screen.findByTestId("traffic-new");
    fireEvent.pointerLeave(screen.getByTestId("traffic-list"));
    await waitFor(() => expect(rows()).toHaveLength(5));
  });

  it("stays small on the page however much there is", async () => {
    const node = new TestNode();
    node.traffic = Array.from({ length: 10_000 }, (_, index) => traffic(index + 1));
    open(node, "/traffic");
    await waitFor(() => expect(rows().length).toBeGreaterThan(10));
    expect(rows().length).toBeLessThan(80);
    expect(screen.getByText("10,000 requests")).toBeInTheDocument();
  });

  it("filters, opens a request to its evidence, and exports what is shown", async () => {
    const node = new TestNode();
    node.traffic = [
      traffic(1, { target: "/ping" }),
      traffic(2, {
        status: 401,
        code: "signature-expired",
        verified: false,
        text: "the signature expired 41 s ago",
      }),
    ];
    const { person } = open(node, "/traffic");
    await waitFor(() => expect(rows()).toHaveLength(2));
    await person.click(screen.getByRole("button", { name: "Errors" }));
    await waitFor(() => expect(rows()).toHaveLength(1));
    await person.click(within(rows()[0] as HTMLElement).getByText("Pull"));
    const details = await screen.findByRole("complementary");
    expect(details).toHaveTextContent("signature not verified");
    expect(details).toHaveTextContent("the signature expired 41 s ago");
    expect(details).toHaveTextContent("mtp-to: alpha.example");
    await person.click(screen.getByRole("button", { name: "Export" }));
    expect(JSON.parse(node.saved[0] ?? "")).toMatchObject([{ id: 2, code: "signature-expired" }]);
  });
});

describe("what a request is", () => {
  it.each([
    ["GET", "/feed?after=3", "pull"],
    ["GET", "/peering?wait=55", "peering"],
    ["POST", "/peering", "introduce"],
    ["POST", "/connections", "ask"],
    ["DELETE", "/connections/01900000", "take-back"],
    ["GET", "/.well-known/mtp", "document"],
    ["GET", "/elsewhere", "other"],
  ])("%s %s", (method, target, kind) => {
    expect(kindOf({ method, target })).toBe(kind);
  });

  it("counts a pull when it was answered", () => {
    const now = Date.parse(at());
    const steps = pullRate([traffic(1, { at: at(-60_000), duration_ms: 59_000 })], now);
    expect(steps).toHaveLength(STEPS);
    expect(steps.at(-1)).toEqual({ in: 1, out: 0 });
  });
});
