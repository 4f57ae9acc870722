import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { AdminError } from "@/platform";
import { dismiss, toast } from "@/shared/toast";
import { connection, failingPeer, peer, TestNode, US, user, waitingProvider } from "./node";
import { open } from "./render";

const ID = "01900000-0000-7000-8000-000000000001";
const OTHER = "01900000-0000-7000-8000-000000000002";

describe("approvals", () => {
  let node: TestNode;
  beforeEach(() => {
    node = new TestNode();
  });

  it("says why a request has not arrived, and what each count counts", async () => {
    const ours = (id: string, provider: string) =>
      connection({
        id,
        from: user("alice", US),
        to: user("bob", provider),
        outgoing: true,
        delivered: false,
      });
    node.waiting = [waitingProvider("gamma.example", { connections: 2 })];
    node.outgoing = [
      ours("o1", "beta.example"),
      ours("o2", "delta.example"),
      ours("o3", "new.example"),
      ours("o4", "home.example"),
    ];
    const atHome = failingPeer("home.example");
    node.peers = [
      failingPeer("beta.example"),
      peer("delta.example", { their_state: "pending" }),
      {
        ...atHome,
        troubles: atHome.troubles.map((each) => ({ ...each, stage: "policy", code: "address-refused" })),
      },
    ];
    const { person } = open(node, "/approvals");
    const providers = await screen.findByRole("region", { name: "Providers" });
    expect(providers).toHaveTextContent("1 waits");
    expect(providers).toHaveTextContent("2 requests of its people for a connection");
    expect(screen.getByRole("region", { name: "Connections" })).toHaveTextContent("0 wait");
    expect(screen.getByTitle("4 requests of ours wait elsewhere")).toHaveTextContent("4");
    await person.click(screen.getByTestId("tab-outgoing"));
    expect(await screen.findByTestId("outgoing-o1")).toHaveTextContent(
      "not yet arrived: their provider cannot be reached",
    );
    expect(screen.getByTestId("outgoing-o2")).toHaveTextContent(
      "not yet arrived: their provider has not let us in yet",
    );
    expect(screen.getByTestId("outgoing-o3")).toHaveTextContent(/not yet arrived(?!:)/);
    expect(screen.getByTestId("outgoing-o4")).toHaveTextContent("your settings do not allow the address");
  });

  it("takes a request out of sight at once, before the node has answered", async () => {
    node.incoming = [connection()];
    let answer = () => {};
    node.answers["decide-connection"] = () =>
      new Promise((resolve) => {
        answer = () => {
          node.incoming = [];
          resolve({ connection: connection({ state: "approved" }), undo: null });
        };
      });
    const { person } = open(node, "/approvals");
    await person.click(within(await screen.findByTestId(`incoming-${ID}`)).getByTestId("approve"));

    expect(screen.queryByTestId(`incoming-${ID}`)).toBeNull();
    expect(node.requests("decide-connection")).toEqual([
      { id: ID, decision: "approve", from_provider: "beta.example" },
    ]);

    // What is read meanwhile, still as it was, does not bring it back.
    node.emit({ type: "approvals" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(screen.queryByTestId(`incoming-${ID}`)).toBeNull();

    answer();
    expect(await screen.findByText("bob and alice are connected.")).toBeInTheDocument();
    expect(screen.queryByTestId(`incoming-${ID}`)).toBeNull();
  });

  it("puts a request back with the reason when the node refuses", async () => {
    node.incoming = [connection()];
    node.answers["decide-connection"] = () => {
      throw new AdminError("conflict", "beta.example has taken the request back");
    };
    const { person } = open(node, "/approvals");
    await person.click(within(await screen.findByTestId(`incoming-${ID}`)).getByTestId("approve"));

    expect(await screen.findByText("Beta.example has taken the request back.")).toBeInTheDocument();
    expect(screen.getByTestId(`incoming-${ID}`)).toBeInTheDocument();
  });

  it("offers no undo of an approval, which the other side has been told", async () => {
    node.incoming = [connection()];
    const { person } = open(node, "/approvals");
    await person.click(within(await screen.findByTestId(`incoming-${ID}`)).getByTestId("approve"));
    await screen.findByText("bob and alice are connected.");
    expect(within(screen.getByTestId("toast")).queryByRole("button", { name: /Undo/ })).toBeNull();
    const said = "bob and alice are connected. That cannot be undone: the others have been told already.";
    await person.keyboard("z");
    expect(await screen.findByText(said)).toBeInTheDocument();
    // Said again, it stands there once.
    await person.keyboard("z");
    expect(screen.getAllByText(said)).toHaveLength(1);

    expect(node.requests("decide-connection")).toHaveLength(1);
    expect(node.requests("undo")).toEqual([]);
  });

  it("does not take back an earlier decision in the place of one that cannot be undone", async () => {
    node.incoming = [connection(), connection({ id: OTHER, from: user("bea") })];
    const { person } = open(node, "/approvals");
    await person.click(within(await screen.findByTestId(`incoming-${ID}`)).getByTestId("decline"));
    await screen.findByText("The request of bob is declined.");
    await person.click(within(screen.getByTestId(`incoming-${OTHER}`)).getByTestId("approve"));
    await screen.findByText("bea and alice are connected.");
    await person.keyboard("z");
    expect(await screen.findByText(/bea and alice are connected. That cannot be undone/)).toBeInTheDocument();
    expect(node.requests("undo")).toEqual([]);
    // That of the earlier one is still offered.
    await person.click(screen.getByRole("button", { name: /^Undo/ }));
    expect(node.requests("undo")).toHaveLength(1);
  });

  it("says that there is nothing to undo where nothing was done, or too late", async () => {
    const { person } = open(node, "/approvals");
    await screen.findByText(/No request waits/);
    await person.keyboard("z");
    expect(await screen.findByText("There is nothing to undo.")).toBeInTheDocument();
    const id = toast("Done.", { undo: () => {} });
    dismiss(id);
    await person.keyboard("z");
    expect(
      await screen.findByText("Done. That can no longer be undone: it could be for 10 seconds."),
    ).toBeInTheDocument();
  });

  it("has the focus at the list's heading once its last request is decided, not around all of it", async () => {
    node.incoming = [connection()];
    const { person } = open(node, "/approvals");
    await screen.findByTestId(`incoming-${ID}`);
    await person.keyboard("ja");
    await screen.findByText("bob and alice are connected.");
    await waitFor(() => expect(screen.getByRole("heading", { name: "Connections" })).toHaveFocus());
  });

  it("brings a declined request back with the toast's button", async () => {
    node.incoming = [connection()];
    const { person } = open(node, "/approvals");
    await person.click(within(await screen.findByTestId(`incoming-${ID}`)).getByTestId("decline"));
    await person.click(within(await screen.findByTestId("toast")).getByRole("button", { name: /Undo/ }));

    expect(await screen.findByTestId(`incoming-${ID}`)).toBeInTheDocument();
    expect(node.requests("decide-connection")).toMatchObject([{ decision: "decline" }]);
    expect(node.requests("undo")).toEqual([{ undo: "undo-1" }]);
  });

  it("lets a stranger's provider in together with its person's request", async () => {
    node.waiting = [waitingProvider("beta.example")];
    node.incoming = [connection({ peer_state: "pending" })];
    const { person } = open(node, "/approvals");
    const row = await screen.findByTestId(`incoming-${ID}`);
    expect(within(row).getByTestId("approve")).toHaveTextContent("Approve both");
    await person.click(within(row).getByTestId("approve"));

    expect(screen.queryByTestId("waiting-provider-beta.example")).toBeNull();
    // One command, so that neither is done without the other.
    await waitFor(() =>
      expect(node.requests("decide-connection")).toEqual([
        { id: ID, decision: "approve", from_provider: "beta.example", admit: true },
      ]),
    );
    expect(node.requests("set-peer")).toEqual([]);
  });

  it("approves a provider and its person that are selected together with one command", async () => {
    node.waiting = [waitingProvider("beta.example"), waitingProvider("gamma.example")];
    node.incoming = [connection({ peer_state: "pending" })];
    const { person } = open(node, "/approvals");
    await screen.findByTestId(`incoming-${ID}`);
    await person.keyboard("jxjxjxa");

    expect(await screen.findByText("2 approved.")).toBeInTheDocument();
    expect(node.requests("decide-connection")).toMatchObject([{ decision: "approve", admit: true }]);
    expect(node.requests("set-peer")).toEqual([{ provider: "gamma.example", state: "allowed" }]);
  });

  it("sets a waiting provider's judgement, and takes it back", async () => {
    node.waiting = [waitingProvider("beta.example")];
    const { person } = open(node, "/approvals");
    await person.click(
      within(await screen.findByTestId("waiting-provider-beta.example")).getByTestId("block"),
    );
    await screen.findByText("beta.example (beta) is blocked.");
    await person.keyboard("z");
    expect(await screen.findByTestId("waiting-provider-beta.example")).toBeInTheDocument();
    expect(node.requests("set-peer")).toEqual([{ provider: "beta.example", state: "blocked" }]);
    expect(node.requests("undo")).toEqual([{ undo: "undo-1" }]);
  });

  it("decides many at once by keyboard, and goes on with the next row", async () => {
    node.incoming = [
      connection(),
      connection({ id: OTHER, from: user("bea") }),
      connection({ id: "01900000-0000-7000-8000-000000000003", from: user("ben") }),
    ];
    const { person } = open(node, "/approvals");
    await screen.findByTestId(`incoming-${ID}`);
    await person.keyboard("jxjxd");

    expect(await screen.findByText("2 declined.")).toBeInTheDocument();
    expect(node.requests("decide-connection")).toHaveLength(2);
    await waitFor(() =>
      expect(screen.getByTestId("incoming-01900000-0000-7000-8000-000000000003")).toHaveFocus(),
    );
    await person.keyboard("i");
    await waitFor(() =>
      expect(node.requests("decide-connection").at(-1)).toMatchObject({ decision: "ignore" }),
    );
    // What is set aside waits no more, and can be put back.
    expect(screen.queryByTestId("incoming-01900000-0000-7000-8000-000000000003")).toBeNull();
    await person.click(screen.getByTestId("tab-decided"));
    await person.click(await screen.findByRole("button", { name: /ben/ }));
    await waitFor(() =>
      expect(node.requests("decide-connection").at(-1)).toMatchObject({ decision: "reopen" }),
    );
  });

  it("blocks a person by declining and by a rule, in one step, and takes both back", async () => {
    node.incoming = [connection()];
    const { person } = open(node, "/approvals");
    await person.click(within(await screen.findByTestId(`incoming-${ID}`)).getByTestId("block"));
    await person.click(await screen.findByTestId("block-person"));
    await screen.findByText("bob is blocked.");
    await person.keyboard("z");
    await screen.findByText("Taken back.");
    // In one step each, so that nothing is half done.
    expect(node.requests("decide-connection")).toMatchObject([
      { decision: "decline", standing: { whom: "person", rule: "block" } },
    ]);
    expect(node.requests("undo")).toHaveLength(1);
  });

  it("shows what has just begun to wait when the node says so", async () => {
    open(node, "/approvals");
    await screen.findByText(/No request waits/);
    node.incoming = [connection()];
    node.emit({ type: "waiting", provider: "beta.example", connection: connection() });

    expect(await screen.findByTestId(`incoming-${ID}`)).toBeInTheDocument();
    expect(await screen.findByText("bob asks alice for a connection.")).toBeInTheDocument();
  });

  it("is there at once with thousands of requests, of which only those in view are on the page", async () => {
    node.incoming = Array.from({ length: 2_000 }, (_, index) =>
      connection({ id: `many-${index}`, from: user(`p${index}`) }),
    );
    open(node, "/approvals");
    expect(await screen.findByTestId("incoming-many-0")).toBeInTheDocument();
    expect(screen.getAllByTestId(/^incoming-/).length).toBeLessThan(80);
  });

  it("says what is wrong with an address before anything is asked, and shows what is meant before it is used", async () => {
    const { person } = open(node, "/approvals");
    await person.click(await screen.findByTestId("ask"));
    await person.type(await screen.findByLabelText("Whom"), "bob");
    await person.click(screen.getByRole("button", { name: "Ask" }));
    expect(await screen.findByText(/is no user's name/)).toBeInTheDocument();
    expect(node.requests("connect")).toEqual([]);

    await person.type(screen.getByLabelText("Whom"), "@beta.example");
    expect(await screen.findByText("mimi://beta.example/u/bob")).toBeInTheDocument();
    await person.click(screen.getByRole("button", { name: "Ask" }));
    await waitFor(() => expect(node.requests("connect")).toEqual([{ user: "alice", to: user("bob") }]));
  });

  it("asks whom a link names, and asks nobody by itself", async () => {
    const { person } = open(node, `/link?uri=${encodeURIComponent(user("bob"))}`);
    expect(await screen.findByLabelText("Whom")).toHaveValue(user("bob"));
    expect(node.requests("connect")).toEqual([]);
    await person.click(screen.getByRole("button", { name: "Ask" }));
    await waitFor(() => expect(node.requests("connect")).toEqual([{ user: "alice", to: user("bob") }]));

    // The next one is not about the same person.
    await waitFor(() => expect(screen.queryByLabelText("Whom")).not.toBeInTheDocument());
    await person.click(await screen.findByTestId("ask"));
    await waitFor(() => expect(screen.getByLabelText("Whom")).toHaveValue(""));
  });

  it("says of a link that names nobody what is wrong with it", async () => {
    const { person } = open(node, `/link?uri=${encodeURIComponent("mimi:nobody'")}`);
    expect(await screen.findByLabelText("Whom")).toHaveValue("mimi:nobody'");
    await person.click(screen.getByRole("button", { name: "Ask" }));
    expect(await screen.findByText(/is no user's name/)).toBeInTheDocument();
    expect(node.requests("connect")).toEqual([]);
  });
});
