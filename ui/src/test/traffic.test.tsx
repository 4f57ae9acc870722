import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { TrafficBuffer } from "@/domain/traffic/buffer";
import { pullRate, STEPS } from "@/domain/traffic/rate";
import { at, peer, TestNode, timing, traffic } from "./node";
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
    expect(unreached).toHaveTextContent("not sent: Connection (connection-refused)");
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
    node.traffic = [
      traffic(1, { kind: "ping", target: "/ping" }),
      traffic(2, { waiting: true, status: null }),
    ];
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
    expect(screen.getByTestId("traffic-shown")).toHaveTextContent("500 shown so far");
    await waitFor(() =>
      expect(screen.getByTestId("traffic-kept")).toHaveTextContent(/10,000 requests kept since/),
    );
  });

  it("filters, and opens a request to its evidence", async () => {
    const node = new TestNode();
    node.traffic = [
      traffic(1, { kind: "ping", target: "/ping" }),
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
  });

  it("marks what the Doctor has had sent, and leaves it out or shows it alone", async () => {
    const node = new TestNode();
    node.traffic = [traffic(1), traffic(2, { direction: "out", kind: "ping", asker: "doctor" })];
    const { person, router } = open(node, "/traffic");
    await waitFor(() => expect(rows()).toHaveLength(2));
    const [probe, pull] = rows();
    expect(probe).toHaveTextContent("the Doctor");
    expect(pull).not.toHaveTextContent("the Doctor");
    await person.selectOptions(screen.getByLabelText("Asked by"), "Without the Doctor's");
    await waitFor(() => expect(rows()).toHaveLength(1));
    expect(rows()[0]).toHaveTextContent("Pull");
    await waitFor(() => expect(router.state.location.search).toEqual({ asker: "node" }));
    await person.selectOptions(screen.getByLabelText("Asked by"), "Only the Doctor's");
    await waitFor(() => expect(rows()[0]).toHaveTextContent("Ping"));
    await person.click(within(rows()[0] as HTMLElement).getByText("Ping"));
    expect(await screen.findByRole("complementary")).toHaveTextContent(/Asked by\s*the Doctor/);
    expect(node.requests("traffic")).toContainEqual({ filters: { asker: "doctor" }, limit: 500 });
  });
});

describe("the record", () => {
  const rows = () => screen.getAllByTestId("traffic-row");

  it("asks the node for what the filters in the address say, and the count tells what is kept", async () => {
    const node = new TestNode();
    node.traffic = [
      traffic(1, { status: 500, code: "internal" }),
      traffic(2, { status: 500, peer: "gamma.example" }),
      traffic(3),
    ];
    open(node, "/traffic?peer=beta.example&errors=only&since=2020-01-01T00:00:00.000Z");
    await waitFor(() => expect(rows()).toHaveLength(1));
    expect(node.requests("traffic")).toContainEqual({
      filters: { peer: "beta.example", failures: true, since: "2020-01-01T00:00:00.000Z" },
      limit: 500,
    });
    expect(screen.getByTestId("traffic-shown")).toHaveTextContent("1 shown");
    await waitFor(() =>
      expect(screen.getByTestId("traffic-kept")).toHaveTextContent("3 requests kept since"),
    );
    expect(screen.getByLabelText("From")).not.toHaveValue("");
    expect(screen.queryByTestId("traffic-note")).toBeNull();
  });

  it("reads older requests when asked to", async () => {
    const node = new TestNode();
    node.traffic = Array.from({ length: 700 }, (_, index) => traffic(index + 1));
    const { person } = open(node, "/traffic");
    await person.click(await screen.findByTestId("traffic-older"));
    await waitFor(() => expect(screen.getByTestId("traffic-shown")).toHaveTextContent("700 shown"));
    expect(screen.getByText("These are all that are kept.")).toBeInTheDocument();
  });

  it("says where nothing is kept, or where it cannot be written", async () => {
    const node = new TestNode();
    node.kept = null;
    const first = open(node, "/traffic");
    expect(await screen.findByTestId("traffic-note")).toHaveTextContent("No requests are kept on disk");
    first.unmount();
    node.kept = { requests: 4, since: at(-1), lost: 2, fault: "the disk is full" };
    open(node, "/traffic");
    expect(await screen.findByTestId("traffic-note")).toHaveTextContent(
      "New requests cannot be written to disk: the disk is full. It is tried again by itself. 2 requests since the start are missing",
    );
  });

  it("opens a request by its address though the filters do not show it", async () => {
    const node = new TestNode();
    node.traffic = [traffic(1, { kind: "ping", at: at(-86_400_000) }), traffic(2)];
    open(node, "/traffic?kind=pull&open=1");
    expect(await screen.findByRole("complementary", { name: "Ping" })).toBeInTheDocument();
    await waitFor(() => expect(rows()).toHaveLength(1));
  });

  it("shows a request's parts, its protocol, its address and what its signature covers", async () => {
    const node = new TestNode();
    node.traffic = [
      traffic(1, { direction: "out", timing: timing({ wait: 10, transfer: 1, verify: 1 }), duration_ms: 12 }),
    ];
    open(node, "/traffic?open=1");
    const details = await screen.findByRole("complementary");
    expect(details).toHaveTextContent("It went over a connection that was open already.");
    const table = within(details).getByRole("table", { name: "What the parts of this request took" });
    expect(within(table).getByRole("row", { name: "Wait 10 ms" })).toBeInTheDocument();
    expect(within(table).queryByRole("row", { name: /TLS/ })).toBeNull();
    expect(details).toHaveTextContent("192.0.2.7");
    expect(details).toHaveTextContent("HTTP/2.0");
    expect(details).toHaveTextContent("beta.example#k1");
    expect(details).toHaveTextContent("@method · @path");
  });

  it("acts on whom a request is with, by menu and by key", async () => {
    const node = new TestNode();
    node.peers = [peer("beta.example")];
    node.traffic = [traffic(1), traffic(2, { verified: false, peer: "gamma.example" })];
    const { person, router } = open(node, "/traffic");
    await waitFor(() => expect(rows()).toHaveLength(2));
    const [claimed, proved] = screen.getAllByTestId("traffic-actions");
    await person.click(claimed as HTMLElement);
    expect(await screen.findByTestId("traffic-block")).toHaveAttribute("aria-disabled", "true");
    await person.keyboard("{Escape}");

    await person.click(proved as HTMLElement);
    await person.click(await screen.findByTestId("traffic-block"));
    await waitFor(() =>
      expect(node.requests("set-peer")).toEqual([{ provider: "beta.example", state: "blocked" }]),
    );
    expect(await screen.findByRole("button", { name: /^Undo/ })).toBeInTheDocument();
    // The click in the menu has opened no row.
    expect(screen.queryByRole("complementary")).toBeNull();

    await person.click(proved as HTMLElement);
    await person.click(await screen.findByTestId("traffic-only"));
    await waitFor(() => expect(rows()).toHaveLength(1));
    await waitFor(() => expect(router.state.location.search).toEqual({ peer: "beta.example" }));

    await person.click(within(rows()[0] as HTMLElement).getByText("Pull"));
    await screen.findByRole("complementary");
    await person.keyboard("d");
    await waitFor(() => expect(router.state.location.href).toBe("/doctor?provider=beta.example"));
  });
});

describe("the export of requests", () => {
  it("is of what the filters show, with names hidden unless told otherwise", async () => {
    const node = new TestNode();
    node.traffic = [traffic(1), traffic(2, { status: 500 })];
    const { person } = open(node, "/traffic?errors=only");
    await person.click(await screen.findByTestId("traffic-export"));
    const dialog = await screen.findByRole("dialog", { name: "Export requests" });
    expect(dialog).toHaveTextContent("The file holds what the filters show");
    await person.click(within(dialog).getByTestId("export-make"));
    expect(await within(dialog).findByText("1 request saved.")).toBeInTheDocument();
    expect(node.requests("export-traffic")).toEqual([
      { filters: { failures: true }, format: "har", hide_names: true },
    ]);
    expect(node.savedAs[0]).toMatch(/^drawbridge-traffic-.*\.har$/);
    expect(node.saved[0]).not.toContain('beta.example","address');

    await person.click(within(dialog).getByRole("radio", { name: /JSON lines/ }));
    await person.click(within(dialog).getByRole("switch", { name: "Hide names" }));
    await person.click(within(dialog).getByTestId("export-make"));
    await waitFor(() => expect(node.saved).toHaveLength(2));
    expect(node.savedAs[1]).toMatch(/\.jsonl$/);
    expect(JSON.parse(node.saved[1] ?? "")).toMatchObject({ id: 2, peer: "beta.example" });
  });

  it("says that there were more, and saves nothing where there is nothing", async () => {
    const node = new TestNode();
    let requests = 10_000;
    node.answers = { "export-traffic": () => ({ text: "{}", requests, more: requests > 0 }) };
    const { person } = open(node, "/traffic?do=export");
    const dialog = await screen.findByRole("dialog", { name: "Export requests" });
    await person.click(within(dialog).getByTestId("export-make"));
    await waitFor(() => expect(dialog).toHaveTextContent("10,000 requests saved."));
    expect(dialog).toHaveTextContent("There are older ones");
    requests = 0;
    await person.click(within(dialog).getByTestId("export-make"));
    await waitFor(() => expect(dialog).toHaveTextContent("No request matches, so there is no file."));
    expect(node.saved).toHaveLength(1);
  });
});

describe("the rate of pulls", () => {
  it("counts a pull when it was answered", () => {
    const now = Date.parse(at());
    const steps = pullRate([traffic(1, { at: at(-60_000), duration_ms: 59_000 })], now);
    expect(steps).toHaveLength(STEPS);
    expect(steps.at(-1)).toEqual({ in: 1, out: 0 });
  });

  it("counts none of the Doctor's", () => {
    const probe = traffic(1, { at: at(-1_000), direction: "out", asker: "doctor" });
    expect(pullRate([probe], Date.parse(at())).at(-1)).toEqual({ in: 0, out: 0 });
  });
});
