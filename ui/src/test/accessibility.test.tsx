import { screen } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { violations } from "./axe";
import { addition, CLUB, conversation, groupDetail, message, own } from "./fixtures";
import {
  at,
  connection,
  failingPeer,
  peer,
  repair,
  step,
  TestNode,
  traffic,
  user,
  waitingProvider,
} from "./node";
import { open } from "./render";

describe("no screen stands in the way of anyone", () => {
  let node: TestNode;
  beforeEach(() => {
    node = new TestNode();
    node.waiting = [waitingProvider("delta.example")];
    node.incoming = [connection({ peer_state: "pending" })];
    node.outgoing = [connection({ id: "01900000-0000-7000-8000-000000000009", outgoing: true })];
    node.decided = [
      connection({ id: "01900000-0000-7000-8000-000000000008", state: "approved", from: user("eve") }),
    ];
    node.additions = [addition()];
    node.outgoingAdditions = [addition({ id: "o1", outgoing: true, refused: "not connected" })];
    node.decidedAdditions = [addition({ id: "d1", state: "approved", decided_by: "operator" })];
    node.groups = [groupDetail()];
    node.contacts = [{ user: user("carol", "gamma.example"), connected: true }];
    node.conversations = [
      conversation(
        [
          message(1, "**Hello**\n\n- one\n- two", { reactions: [{ emoji: "👍", users: [user("bob")] }] }),
          own(2, "Yes", { state: "failed", error: "no" }),
          message(3, "", { notice: { kind: "left", by: null, users: [user("eve")], text: null } }),
        ],
        { read: 1, additions: [{ id: "p", user: user("dan"), state: "pending", error: null }] },
      ),
    ];
    node.repairs = {
      ...node.repairs,
      open: [
        repair(),
        repair({
          id: "r2",
          code: "certificate-ends-soon",
          kind: "certificate",
          severity: "medium",
          subject: { type: "certificate", section: "mtp" },
        }),
      ],
      ignored: [repair({ id: "r3", ignored: true, ignored_at: at(-1_000) })],
      history: [repair({ id: "r4", gone: at(-60_000) })],
    };
    node.peers = [peer("gamma.example"), failingPeer("beta.example")];
    node.traffic = [
      traffic(1),
      traffic(2, { waiting: true, status: null }),
      traffic(3, { status: 401, code: "replayed" }),
    ];
  });

  it.each([
    ["/", "Overview"],
    ["/approvals", "Approvals"],
    ["/repairs", "Repairs"],
    ["/peers", "Peers"],
    ["/peers?open=beta.example", "Peers"],
    ["/traffic", "Traffic"],
    ["/traffic?open=1", "Traffic"],
    ["/doctor", "Doctor"],
    ["/doctor?provider=beta.example", "Doctor"],
    ["/doctor?self=1", "Doctor"],
    ["/doctor?self=1&by=gamma.example", "Doctor"],
    ["/doctor/trace", "Where is it?"],
    ["/groups", "Groups"],
    [`/groups?open=${encodeURIComponent(CLUB)}`, "Groups"],
    ["/conversations", "Conversations"],
    [`/conversations?open=${encodeURIComponent(CLUB)}`, "Conversations"],
    ["/accounts", "Accounts"],
    ["/settings", "Settings"],
    ["/guide", "The operator's guide"],
  ])("%s", async (path, title) => {
    open(node, path);
    await screen.findByRole("heading", { level: 1, name: title });
    await screen.findByTestId("demo-node-beta");
    expect(await violations()).toEqual([]);
  });

  it("a report, as it is made and when it is done", async () => {
    open(node, "/doctor?provider=beta.example");
    await screen.findByText("Next: Name");
    const seen = [{ what: "name server", value: "192.0.2.53 says: A 192.0.2.1; AAAA none" }];
    const at = "192.0.2.1:443";
    node.found([
      step("name", "beta.example is a name that a provider can have"),
      step("dns", "beta.example is at 192.0.2.1", { evidence: [...seen, ...seen] }),
      step("connect", "it refused", { at, verdict: "fail", code: "connection-refused", evidence: seen }),
    ]);
    await screen.findByRole("list", { name: at });
    expect(await violations()).toEqual([]);
    node.found([step("our-pull", "it rests", { verdict: "warn", code: "pull-resting", side: "nobody" })], {
      summary: "The operator of the other provider has to change something.",
      is_finished: true,
    });
    await screen.findByText(/^The operator of the other provider/);
    expect(await violations()).toEqual([]);
  });

  it("the choice of a peer that looks, and what it saw", async () => {
    const { person } = open(node, "/doctor");
    await person.click(await screen.findByTestId("have-peer-look"));
    expect(await violations(await screen.findByRole("menu"))).toEqual([]);
    await person.click(screen.getByTestId("looker-gamma.example"));
    await screen.findByText("Awaited: its answer");
    expect(await violations()).toEqual([]);
    const refused = {
      at: "gamma.example",
      verdict: "fail",
      code: "look-back-refused",
      side: "ours",
    } as const;
    node.found([step("look-back", "it does not look back", refused)], {
      summary: "Ask it.",
      is_finished: true,
    });
    await screen.findByText("Ask it.");
    expect(await violations()).toEqual([]);
  });

  it("what has been asked and decided", async () => {
    const { person } = open(node, "/approvals");
    await person.click(await screen.findByTestId("tab-outgoing"));
    expect(await violations()).toEqual([]);
    await person.click(await screen.findByTestId("tab-decided"));
    expect(await violations()).toEqual([]);
  });

  it("a conversation's people, and adding one", async () => {
    const { person } = open(node, `/conversations?open=${encodeURIComponent(CLUB)}`);
    await person.click(await screen.findByTestId("members"));
    const add = await screen.findByTestId("add-somebody");
    expect(await violations()).toEqual([]);
    await person.click(add);
    await screen.findByRole("dialog");
    expect(await violations()).toEqual([]);
  });

  it("a grant", async () => {
    const { person } = open(node, `/groups?open=${encodeURIComponent(CLUB)}`);
    await person.click(await screen.findByRole("button", { name: "Grant: verified, for bob" }));
    await screen.findByRole("dialog");
    expect(await violations()).toEqual([]);
  });

  it("the first screen", async () => {
    node.mode = "new";
    open(node);
    await screen.findByTestId("start-demo");
    expect(await violations()).toEqual([]);
  });

  it("the page that asks for the token", async () => {
    node.locked = true;
    open(node);
    await screen.findByLabelText("Token or link");
    expect(await violations()).toEqual([]);
  });

  it("the dialogs", async () => {
    const { person } = open(node, "/approvals");
    await screen.findByTestId("ask");
    await person.keyboard("?");
    await screen.findByRole("dialog");
    expect(await violations()).toEqual([]);
    await person.keyboard("{Escape}{Control>}k{/Control}");
    await screen.findByRole("combobox");
    expect(await violations()).toEqual([]);
  });
});
