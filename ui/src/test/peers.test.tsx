import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { failingPeer, peer, TestNode } from "./node";
import { open } from "./render";

describe("peers", () => {
  it("says in words what is wrong, where, and when it goes on; and what to do", async () => {
    const node = new TestNode();
    node.peers = [peer("gamma.example"), failingPeer("beta.example")];
    const { person } = open(node, "/peers");
    const row = await screen.findByTestId("peer-beta.example");
    expect(within(row).getByTestId("peer-trouble")).toHaveTextContent(
      /Connection: beta.example refused the connection · 3 tries failed · next try (in \d+ s|now)/,
    );
    expect(within(screen.getByTestId("peer-gamma.example")).queryByTestId("peer-trouble")).toBeNull();

    await person.click(within(row).getByRole("button", { name: "beta.example beta" }));
    const details = await screen.findByRole("complementary");
    const standing = within(details).getByTestId("peer-standing");
    expect(standing).toHaveTextContent("Nothing of it has come here for 9 seconds");
    expect(standing).toHaveTextContent(/Its operator has to act\. It is tried again in 4 seconds/);
    expect(standing).toHaveTextContent(
      "What suffers: 2 groups with 1 person of this provider; 3 messages that do not get to it.",
    );
    expect(details).toHaveTextContent("Code connection-refused");
    expect(details).toHaveTextContent(/What to do: Nothing listens there: most often it is switched off/);
    await person.click(within(details).getByRole("button", { name: "Try now" }));
    expect(node.requests("retry-peer")).toEqual([{ provider: "beta.example" }]);
    expect(within(details).getByRole("link", { name: "Run the check" })).toHaveAttribute(
      "href",
      "/doctor?provider=beta.example",
    );
    await person.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("complementary")).toBeNull());
  });

  it("says of which direction nothing was answered yet, and nothing of it twice", async () => {
    const node = new TestNode();
    const whole = peer("new.example");
    const pulling = { ...whole.pulling, status: "idle" as const, last_pull: null };
    const serving = { ...whole.serving, last_pull: null };
    node.peers = [
      { ...whole, state: "pending", pulling, serving },
      { ...peer("quiet.example"), pulling, serving: { ...serving, waiting: false } },
    ];
    open(node, "/peers");
    const waits = await screen.findByTestId("peer-new.example");
    expect(waits).toHaveTextContent("nothing to ask");
    expect(within(waits).getByText("no answer to us yet")).toBeInTheDocument();
    expect(waits).toHaveTextContent("waiting to be let in");
    expect(within(waits).getByText("no answer to them yet")).toBeInTheDocument();
    const quiet = screen.getByTestId("peer-quiet.example");
    expect(within(quiet).getByText("no pull yet")).toBeInTheDocument();
    expect(within(quiet).queryByText("no answer to them yet")).toBeNull();
  });

  it("says how much is kept of what a peer has sent", async () => {
    const node = new TestNode();
    node.peers = [peer("beta.example", { kept: { requests: 1, items: 1234, withdrawn: 0 } })];
    const { person } = open(node, "/peers?open=beta.example");
    const details = await screen.findByRole("complementary");
    expect(await within(details).findByText("Kept of it")).toBeVisible();
    expect(details).toHaveTextContent("1 request, 1,234 ids of items");
    expect(details).not.toHaveTextContent("taken back");
    await person.keyboard("{Escape}");
  });

  it("wants a second look before a new key is accepted", async () => {
    const node = new TestNode();
    node.peers = [peer("old.example", { state: "key-changed", new_fingerprints: ["NEWkey"] })];
    const { person } = open(node, "/peers?open=old.example");
    await person.click(await screen.findByTestId("accept-key"));
    const dialog = await screen.findByRole("dialog");
    expect(within(dialog).getByRole("button", { name: "Cancel" })).toHaveFocus();
    expect(node.requests("accept-key")).toEqual([]);
    expect(dialog).toHaveTextContent(/Accepted so far.*qx7Pz0f9.*Shown now.*NEWkey/);
    await person.click(within(dialog).getByRole("button", { name: "Accept the new key" }));
    await waitFor(() =>
      expect(node.requests("accept-key")).toEqual([{ provider: "old.example", fingerprints: ["NEWkey"] }]),
    );
  });

  it("is found through the command palette", async () => {
    const node = new TestNode();
    node.peers = [peer("gamma.example")];
    const { person, router } = open(node);
    await screen.findByTestId("health");
    await waitFor(() => expect(screen.getAllByText("gamma.example").length).toBeGreaterThan(0));
    await person.keyboard("{Control>}k{/Control}");
    await person.type(await screen.findByRole("combobox"), "open gam{Enter}");
    await waitFor(() => expect(router.state.location.href).toContain("/peers?open=gamma.example"));
  });
});
