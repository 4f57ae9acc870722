import { screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { beforeEach, describe, expect, it } from "vitest";
import type { ToldElsewhere } from "@/bindings/ToldElsewhere";
import type { Trace } from "@/bindings/Trace";
import type { TraceStep } from "@/bindings/TraceStep";
import { typedTrace } from "@/domain/trace/place";
import { AdminError } from "@/platform";
import { ALICE, at, CLUB, groupDetail } from "./fixtures";
import { TestNode, traffic } from "./node";
import { open } from "./render";

const ID = "01900000-0000-7000-8000-0000000000f1";

function step(name: TraceStep["name"], over: Partial<TraceStep> = {}): TraceStep {
  return { name, reader: null, state: "done", at: at(-60_000), clock: null, text: "it was", ...over };
}

function trace(over: Partial<Trace> = {}): Trace {
  return {
    group: CLUB,
    seq: 7,
    kind: "application",
    sender: `${ALICE}/d/phone`,
    submission: ID,
    steps: [
      step("submitted"),
      step("numbered", {
        text: "it is event 7",
        clock: { of: "beta.example", told: at(), ahead_ms: 60_000 },
      }),
      step("feed", { reader: "gamma.example", text: "put into its feed as number 12" }),
      step("given", { reader: "gamma.example", state: "here", at: null, text: "not pulled" }),
      step("acknowledged", { reader: "gamma.example", state: "ahead", at: null, text: "not yet" }),
    ],
    code: "not-pulled",
    text: "It stands in the feed of gamma.example as number 12, not pulled.",
    since: at(-60_000),
    side: "either",
    ...over,
  };
}

describe("tracing an event", () => {
  let node: TestNode;
  beforeEach(() => {
    node = new TestNode();
    node.groups = [groupDetail()];
    node.answers.trace = () => trace();
  });

  it("tells where it stands and since when, and each step by its reader", async () => {
    open(node, `/doctor/trace?group=${encodeURIComponent(CLUB)}&seq=7`);
    const whole = await screen.findByTestId("trace");
    expect(within(whole).getByRole("heading", { level: 2 })).toHaveTextContent("Not fetchedEvent 7");
    expect(screen.getByTestId("stands")).toHaveTextContent(/as number 12, not pulled\. Since 1 min ago\.$/);
    expect(whole).toHaveTextContent("One of you has to act.");
    const gamma = within(whole).getByRole("region", { name: "gamma.example" });
    expect(within(gamma).getByTestId("trace-given")).toHaveAttribute("data-state", "here");
    expect(within(whole).getByTestId("trace-numbered")).toHaveTextContent(
      "by the clock of beta.example, which is 1 min ahead; put right here",
    );
    expect(node.requests("trace")).toEqual([{ group: CLUB, seq: 7 }]);
    const found = await axe.run(document.body, { rules: { "color-contrast": { enabled: false } } });
    expect(found.violations).toEqual([]);
  });

  it("asks the others when it is wanted, and shows what each tells by its own part", async () => {
    let tells: ToldElsewhere[] = [
      {
        provider: "gamma.example",
        steps: [
          step("stored", { clock: { of: "gamma.example", told: at(), ahead_ms: 0 } }),
          step("acknowledged", { state: "here", at: null, text: "1 of 2 clients have it" }),
          step("feed", { reader: "delta.example" }),
        ],
        code: null,
        text: null,
      },
      { provider: "delta.example", steps: [], code: "not-found", text: "no" },
      { provider: "eps.example", steps: [], code: "connect", text: "it refused the connection" },
    ];
    node.answers["trace-elsewhere"] = () => ({ told: tells });
    const { person } = open(node, `/doctor/trace?group=${encodeURIComponent(CLUB)}&seq=7`);
    const ask = await screen.findByRole("button", { name: "Ask the others" });
    expect(node.requests("trace-elsewhere")).toEqual([]);
    await person.click(ask);
    const gamma = await screen.findByRole("region", { name: /^gamma.example tells/ });
    expect(within(gamma).getByTestId("trace-acknowledged")).toHaveTextContent("1 of 2 clients have it");
    expect(within(gamma).getByRole("heading", { name: /^Of delta.example/ })).toBeInTheDocument();
    expect(screen.getByRole("region", { name: /^delta.example tells/ })).toHaveTextContent(
      /tell_traces = true/,
    );
    expect(screen.getByRole("region", { name: /^eps.example tells/ })).toHaveTextContent(
      "It could not be asked. It refused the connection.",
    );
    const found = await axe.run(document.body, { rules: { "color-contrast": { enabled: false } } });
    expect(found.violations).toEqual([]);
    tells = [];
    await person.click(screen.getByRole("button", { name: "Ask the others" }));
    expect(await screen.findByText("No other provider is told of this event.")).toBeInTheDocument();
    expect(node.requests("trace-elsewhere")).toHaveLength(2);
  });

  it("is begun at what a request had, of each item that is an event", async () => {
    const items = [
      { seq: 41, kind: "event", event: { group: CLUB, seq: 7 } },
      { seq: 42, kind: "connection", event: null },
      { seq: 0, kind: "commit: epoch-conflict", event: null },
    ];
    node.traffic = [traffic(1, { items, item_count: 3 })];
    const { person, router } = open(node, "/traffic?open=1");
    const had = await screen.findByRole("region", { name: "3 items" });
    expect(had).toHaveTextContent("41an event in a groupevent 7 of club Trace this event");
    const [link, ...others] = within(had).getAllByRole("link");
    expect(others).toEqual([]);
    await person.click(link as HTMLElement);
    await waitFor(() => expect(router.state.location.pathname).toBe("/doctor/trace"));
    expect(await screen.findByRole("textbox", { name: "Event" })).toHaveValue(`${CLUB} 7`);
    await waitFor(() => expect(node.requests("trace")).toContainEqual({ group: CLUB, seq: 7 }));
  });

  it("is begun by typing, and says what can be typed", async () => {
    const { person } = open(node, "/doctor");
    await person.click(await screen.findByTestId("open-trace"));
    const field = await screen.findByRole("textbox", { name: "Event" });
    await person.type(field, "nonsense{Enter}");
    expect(await screen.findByText(/^Type a group's address/)).toBeInTheDocument();
    await person.clear(field);
    await person.type(field, `${ID}{Enter}`);
    await screen.findByTestId("trace");
    expect(node.requests("trace")).toEqual([{ submission: ID }]);
    // What was traced before does not stand below what cannot be traced.
    await person.clear(field);
    await person.type(field, "nonsense{Enter}");
    expect(screen.queryByTestId("trace")).toBeNull();
    await person.clear(field);
    await person.type(field, `${ID}{Enter}`);
    expect(await screen.findByTestId("trace")).toBeInTheDocument();
  });

  it("is reached from an event of a group", async () => {
    const { person } = open(node, `/groups?open=${encodeURIComponent(CLUB)}`);
    const [first] = await screen.findAllByRole("link", { name: /^Trace event/ });
    if (first === undefined) throw new Error("no event can be traced");
    await person.click(first);
    await screen.findByTestId("trace");
    expect(node.requests("trace")).toHaveLength(1);
  });

  it("says why it cannot be told", async () => {
    node.answers.trace = () => {
      throw new AdminError("no-such-group", "there is no such group here");
    };
    open(node, `/doctor/trace?group=${encodeURIComponent(CLUB)}&seq=7`);
    expect(await screen.findByText(/There is no such group here/)).toBeInTheDocument();
  });

  it.each([
    [`${CLUB} 7`, { group: CLUB, seq: "7" }],
    [ID, { submission: ID }],
    [CLUB, null],
    ["7", null],
    [`${CLUB} 0`, null],
    [`${CLUB} 7 8`, null],
  ])("reads %s", (typed, place) => {
    expect(typedTrace(typed)).toEqual(place);
  });
});
