import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { CLUB, conversation, conversationSummary, groupDetail, groupSummary, message } from "./fixtures";
import { peer, TestNode } from "./node";
import { open } from "./render";

const dialogOf = async () => within(await screen.findByRole("dialog"));

describe("letting go", () => {
  it("lists what will be lost with a peer, and does it once that was seen", async () => {
    const node = new TestNode();
    node.peers = [peer("gone.example")];
    const { person, router } = open(node, "/peers?open=gone.example");
    await person.click(await screen.findByRole("button", { name: "Forget" }));
    const dialog = await dialogOf();
    const losses = await dialog.findByTestId("losses");
    expect(node.requests("losses")).toEqual([{ of: { kind: "peer", provider: "gone.example" } }]);
    expect(losses).toHaveTextContent(
      /What will be lost3 items in its feed that it has not fetched · 4.2 kBhow far its feed was fetched/,
    );
    expect(losses).toHaveTextContent(/What stays1 rule that keeps somebody there away/);
    expect(losses).toHaveTextContent("If it comes back, it is a stranger.");
    expect(dialog.getByRole("button", { name: "Cancel" })).toHaveFocus();
    expect(node.requests("forget")).toEqual([]);
    await person.click(dialog.getByRole("button", { name: "Forget gone.example" }));
    await waitFor(() =>
      expect(node.requests("forget")).toEqual([
        { of: { kind: "peer", provider: "gone.example" }, seen: "a1b2c3d4e5f60718" },
      ]),
    );
    expect(await screen.findByText("gone.example is forgotten.")).toBeVisible();
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await waitFor(() => expect(router.state.location.href).not.toContain("open="));
  });

  it("shows anew what would be lost where that has changed meanwhile, and does nothing", async () => {
    const node = new TestNode();
    node.peers = [peer("gone.example")];
    const { person } = open(node, "/peers?open=gone.example");
    await person.click(await screen.findByRole("button", { name: "Forget" }));
    const dialog = await dialogOf();
    await dialog.findByTestId("losses");
    node.losses = {
      ...node.losses,
      lost: [{ what: "4 items in its feed that it has not fetched", octets: 5_600 }],
      seen: "0000000000000001",
    };
    await person.click(dialog.getByRole("button", { name: "Forget gone.example" }));
    expect(await dialog.findByRole("alert")).toHaveTextContent("It has changed since it was shown.");
    expect(dialog.getByTestId("losses")).toHaveTextContent("4 items in its feed");
    await person.click(dialog.getByRole("button", { name: "Forget gone.example" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(node.requests("forget").map((each) => (each as { seen: string }).seen)).toEqual([
      "a1b2c3d4e5f60718",
      "0000000000000001",
    ]);
  });

  it("is not done while something lives that needs it, and leads to what ends that", async () => {
    const node = new TestNode();
    node.peers = [peer("gone.example")];
    node.losses.holds = [
      {
        code: "owns-group",
        text: "gone.example keeps the group “Tea” (mimi://gone.example/g/tea), which is followed here",
        group: "mimi://gone.example/g/tea",
      },
      {
        code: "connected",
        text: "2 connections hold between people here and people of gone.example",
        group: null,
      },
    ];
    const { person } = open(node, "/peers?open=gone.example");
    await person.click(await screen.findByRole("button", { name: "Forget" }));
    const dialog = await dialogOf();
    const holds = within(await dialog.findByTestId("holds"));
    expect(dialog.getByRole("button", { name: "Forget gone.example" })).toBeDisabled();
    expect(holds.getByRole("link", { name: "Open the group" })).toHaveAttribute(
      "href",
      expect.stringMatching(/^\/groups\?open=.*gone\.example/),
    );
    await person.click(holds.getByRole("button", { name: "End these connections" }));
    expect(node.requests("end-connections")).toEqual([{ provider: "gone.example" }]);
    await waitFor(() => expect(dialog.queryByText(/2 connections hold/)).toBeNull());
    expect(dialog.getByRole("button", { name: "Forget gone.example" })).toBeDisabled();
  });

  it("asks for a group of another provider, and not for one of our own that others are in", async () => {
    const node = new TestNode();
    const group = "mimi://gone.example/g/choir";
    const theirs = groupDetail({
      summary: groupSummary({ group, name: "", owner: "gone.example", ours: false }),
    });
    const ours = groupDetail();
    node.groups = [theirs, ours];
    const { person, router } = open(node, `/groups?open=${encodeURIComponent(theirs.summary.group)}`);
    await person.click(await screen.findByRole("button", { name: "Forget the group" }));
    const dialog = await dialogOf();
    await dialog.findByTestId("losses");
    expect(node.requests("losses")).toEqual([{ of: { kind: "group", group: theirs.summary.group } }]);
    await person.click(dialog.getByRole("button", { name: "Cancel" }));
    await router.navigate({ to: "/groups", search: { open: ours.summary.group } });
    await waitFor(() => expect(screen.queryByRole("button", { name: "Forget the group" })).toBeNull());
  });

  it("asks for a conversation that is over", async () => {
    const node = new TestNode();
    const group = CLUB;
    const messages = [message(1, "Who brings the oars?")];
    node.conversations = [conversation(messages, { summary: conversationSummary({ standing: "removed" }) })];
    const { person } = open(node, `/conversations?open=${encodeURIComponent(group)}`);
    await person.click(await screen.findByRole("button", { name: "Forget the conversation" }));
    const dialog = await dialogOf();
    await dialog.findByTestId("losses");
    await person.click(dialog.getByRole("button", { name: "Forget the conversation" }));
    await waitFor(() =>
      expect(node.requests("forget")).toEqual([
        { of: { kind: "conversation", user: "alice", group }, seen: "a1b2c3d4e5f60718" },
      ]),
    );
  });

  it("asks for an account by its name", async () => {
    const node = new TestNode();
    const { person } = open(node, "/accounts");
    await person.click(await screen.findByRole("button", { name: "Delete the account alice" }));
    const dialog = within(await screen.findByRole("dialog", { name: "Delete the account alice?" }));
    await dialog.findByTestId("losses");
    await person.click(dialog.getByRole("button", { name: "Delete the account alice" }));
    await waitFor(() =>
      expect(node.requests("forget")).toEqual([
        { of: { kind: "account", user: "alice" }, seen: "a1b2c3d4e5f60718" },
      ]),
    );
  });
});
