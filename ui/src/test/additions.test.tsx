import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { ALICE, addition, user } from "./fixtures";
import { connection, TestNode } from "./node";
import { open } from "./render";

const { id } = addition();
const told = (decision: string) => ({ id, decision, from_provider: "beta.example" });

describe("additions to groups", () => {
  let node: TestNode;
  beforeEach(() => {
    node = new TestNode();
    node.additions = [addition()];
  });
  const row = () => screen.findByTestId(`addition-${id}`);

  it("says what approving means, approves, and offers no undo of what was granted", async () => {
    const { person } = open(node, "/approvals");
    expect(await row()).toHaveTextContent("Approving lets bob add alice to this one group, once.");
    await person.click(within(await row()).getByTestId("approve"));
    expect(await screen.findByText("bob may add alice.")).toBeInTheDocument();
    await person.keyboard("z");
    expect(node.requests("undo")).toEqual([]);
    expect(node.requests("decide-authorization")).toEqual([told("approve")]);
  });

  it("shows what the adder calls the group as the adder's words", async () => {
    node.additions = [addition({ title: "Free money", group_name: null })];
    open(node, "/approvals");
    expect(await row()).toHaveTextContent("bob calls it “Free money”");
    expect(within(await row()).getByText("Free money").tagName).toBe("BDI");
  });

  it("shows no name of others' that could turn the words around it about, or show nothing", async () => {
    const hidden = addition({ title: "\u202Elive\u2066", group_name: null });
    node.additions = [hidden];
    const { unmount } = open(node, "/approvals");
    expect(await row()).toHaveTextContent("bob calls it “[U+202E]live[U+2066]”");
    expect(await row()).toHaveAccessibleName(/\[U\+202E\]live/);
    unmount();
    node.additions = [addition({ title: "\u200B ", group_name: "\u2800" })];
    open(node, "/approvals");
    expect(await row()).not.toHaveTextContent("calls it");
    expect(await row()).toHaveAccessibleName(/choir/);
  });

  it("shows the reason for a refusal as one line that turns nothing about", async () => {
    node.outgoingAdditions = [addition({ outgoing: true, refused: "no\n\u202Esey" })];
    const { person } = open(node, "/approvals");
    await person.click(await screen.findByRole("tab", { name: /Asked/ }));
    const asked = await screen.findByTestId(`outgoing-addition-${id}`);
    expect(asked).toHaveTextContent("no [U+202E]sey");
  });

  it("never lets a person ask again, as a rule that can be taken back", async () => {
    const { person } = open(node, "/approvals");
    await person.click(within(await row()).getByTestId("block"));
    await person.click(await screen.findByTestId("never-adds"));
    await screen.findByText("bob cannot ask to add alice any more.");
    await person.keyboard("z");
    await screen.findByText("Taken back.");
    // In one step each: there is no moment at which it is declined and may be asked again.
    expect(node.requests("decide-authorization")).toEqual([{ ...told("decline"), rule: "never" }]);
    expect(node.requests("undo")).toHaveLength(1);
  });

  it("always lets a person add", async () => {
    const { person } = open(node, "/approvals");
    await person.click(within(await row()).getByTestId("more"));
    await person.click(await screen.findByTestId("always-adds"));
    await screen.findByText("bob may add alice to groups from now on.");
    expect(node.requests("decide-authorization")).toEqual([{ ...told("approve"), rule: "allow" }]);
  });

  it("is walked through by keyboard together with the other lists", async () => {
    node.incoming = [connection()];
    const { person } = open(node, "/approvals");
    await row();
    await person.keyboard("jjd");
    await waitFor(() => expect(node.requests("decide-authorization")).toEqual([told("decline")]));
    expect(node.requests("decide-connection")).toEqual([]);
  });

  it("arrives by itself, is counted and said", async () => {
    node.additions = [];
    open(node, "/");
    await screen.findByTestId("health");
    node.additions = [addition()];
    node.emit({ type: "addition-waiting", addition: addition() });
    await waitFor(() => expect(screen.getByTestId("nav-approvals")).toHaveTextContent("1"));
    expect(screen.getByText("bob would like to add alice to a group.")).toBeInTheDocument();
  });

  it("is among what was decided, and can be revoked until it is used", async () => {
    node.additions = [];
    node.decidedAdditions = [
      addition({ state: "approved", decided_by: "operator" }),
      addition({ id: "used", adder: user("ben"), state: "approved", decided_by: "rule", used: true }),
    ];
    const { person } = open(node, "/approvals");
    await person.click(await screen.findByTestId("tab-decided"));
    await person.click(await screen.findByRole("button", { name: "Take back that bob may add alice" }));
    await waitFor(() => expect(node.requests("decide-authorization")).toEqual([told("revoke")]));
    expect(screen.queryByRole("button", { name: "Take back that ben may add alice" })).toBeNull();
  });
});

describe("an account", () => {
  it("is used on this computer or not, and says what that deletes", async () => {
    const node = new TestNode();
    const { person } = open(node, "/accounts");
    await person.click(await screen.findByTestId("here-alice"));
    const dialog = await screen.findByRole("dialog");
    expect(dialog).toHaveTextContent("its messages on this computer are deleted");
    await person.click(within(dialog).getByRole("button", { name: "Delete the messages here" }));
    await screen.findByText("alice is no longer used on this computer.");
    await person.click(screen.getByTestId("here-alice"));
    await screen.findByText("alice is used on this computer.");
    expect(node.requests("close-account")).toHaveLength(1);
    expect(node.requests("open-account")).toHaveLength(1);
  });

  it("shows the stock of each client, and sets what a connected person may do", async () => {
    const node = new TestNode();
    node.contacts = [{ user: user("bob"), connected: true }];
    const { person } = open(node, "/accounts");
    expect(await screen.findByText("low")).toBeInTheDocument();
    expect(screen.getByText(/100 KeyPackages/)).toBeInTheDocument();
    // Only those of the laptop were made by a clock that was ahead.
    expect(screen.getByText("60 not valid yet")).toBeInTheDocument();
    expect(screen.queryByText("0 not valid yet")).not.toBeInTheDocument();
    await person.selectOptions(
      screen.getByLabelText("When bob would like to add this person to a group"),
      "allow",
    );
    expect(node.requests("set-add-rule")).toEqual([{ user: "alice", other: user("bob"), rule: "allow" }]);
  });

  it("says when a client runs out", async () => {
    const node = new TestNode();
    open(node, "/");
    await screen.findByTestId("health");
    node.emit({ type: "stock-low", client: `${ALICE}/d/laptop` });
    expect(await screen.findByTestId("toast")).toHaveTextContent("laptop of alice runs out of KeyPackages");
  });
});
