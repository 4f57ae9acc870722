import { act, fireEvent, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Message } from "@/bindings/Message";
import { AdminError } from "@/platform";
import { toasts, UNDO_MS } from "@/shared/toast";
import {
  ALICE,
  at,
  CLUB,
  conversation,
  conversationSummary,
  groupDetail,
  groupSummary,
  message,
  own,
  user,
} from "./fixtures";
import { failingPeer, peer, TestNode } from "./node";
import { open } from "./render";

const AT = `/conversations?open=${encodeURIComponent(CLUB)}`;

describe("conversations", () => {
  let node: TestNode;
  let messages: Message[];
  beforeEach(() => {
    node = new TestNode();
    node.contacts = [
      { user: user("bob"), connected: true },
      { user: user("carol", "gamma.example"), connected: true },
      { user: user("dave", "delta.example"), connected: false },
    ];
    messages = [message(1, "Who brings the **oars**?"), own(2, "I do")];
    node.conversations = [conversation(messages)];
  });
  const changed = () => node.emit({ type: "conversation", user: "alice", group: CLUB });

  it("asks first whether an account is to be used here", async () => {
    node.here = false;
    const { person } = open(node, "/conversations");
    await person.click(await screen.findByTestId("open-account-alice"));
    expect(await screen.findByTestId(`conversation-${CLUB}`)).toBeInTheDocument();
    expect(node.requests("open-account")).toEqual([{ user: "alice" }]);
  });

  it("says why an account is not open, here and under Accounts, and tries again", async () => {
    node.notOpen = {
      state: "shut",
      why: "the conversations of alice cannot be opened: the keychain is locked",
    };
    const { person } = open(node, "/accounts");
    expect(await screen.findByTestId("shut-alice")).toHaveTextContent("the keychain is locked");
    await person.click(screen.getByTestId("nav-conversations"));
    const shut = await screen.findByTestId("shut-alice");
    expect(screen.queryByTestId("new-group")).not.toBeInTheDocument();
    await person.click(within(shut).getByRole("button", { name: "Try again" }));
    expect(await screen.findByTestId(`conversation-${CLUB}`)).toBeInTheDocument();
    expect(node.requests("open-account")).toEqual([{ user: "alice" }]);
  });

  it("says that an account is being opened, and shows it when it is", async () => {
    node.notOpen = { state: "opening" };
    open(node, "/conversations");
    expect(await screen.findByTestId("opening-alice")).toHaveTextContent("password of its keychain");
    expect(screen.queryByRole("alert")).not.toBeInTheDocument();
    node.notOpen = null;
    node.emit({ type: "accounts" });
    expect(await screen.findByTestId(`conversation-${CLUB}`)).toBeInTheDocument();
  });

  it("shows what was said, in Markdown, and marks it read", async () => {
    node.conversations = [conversation(messages, { read: 0 })];
    open(node, AT);
    expect(await screen.findByText("oars", { selector: "strong" })).toBeInTheDocument();
    await waitFor(() =>
      expect(node.requests("mark-read")).toEqual([{ user: "alice", group: CLUB, place: 2 }]),
    );
  });

  it("sends with Enter, begins a line with Shift+Enter, and shows how far a message is", async () => {
    const sent = own(3, "Here\nI am", { state: "sending" });
    node.answers["send-message"] = () => {
      messages.push(sent);
      return sent;
    };
    const { person } = open(node, AT);
    const field = await screen.findByTestId("composer");
    await person.type(field, "Here{Shift>}{Enter}{/Shift}I am{Enter}");
    expect(node.requests("send-message")).toEqual([{ user: "alice", group: CLUB, text: "Here\nI am" }]);
    expect(field).toHaveValue("");
    expect(await screen.findByText("sending")).toBeInTheDocument();
    sent.state = "accepted";
    changed();
    await waitFor(() => expect(screen.queryByText("sending")).toBeNull());
  });

  it("keeps what was begun, here and over a refusal", async () => {
    node.answers["send-message"] = () => {
      throw new AdminError("not-authorized", "only admins may send messages there");
    };
    const { person, unmount } = open(node, AT);
    await person.type(await screen.findByTestId("composer"), "One thing{Enter}");
    expect(await screen.findByText("Only admins may send messages there.")).toBeInTheDocument();
    expect(screen.getByTestId("composer")).toHaveValue("One thing");
    unmount();
    open(node, AT);
    expect(await screen.findByTestId("composer")).toHaveValue("One thing");
  });

  it("answers, reacts and edits", async () => {
    messages[0] = message(1, "Who?", { reactions: [{ emoji: "👍", users: [user("carol")] }] });
    const { person } = open(node, AT);
    const row = await screen.findByTestId("message-m1");
    await person.click(within(row).getByRole("button", { name: "👍 1: carol" }));
    expect(node.requests("react")).toEqual([
      { user: "alice", group: CLUB, message: "m1", emoji: "👍", on: true },
    ]);

    await person.click(within(row).getByRole("button", { name: "Answer" }));
    expect(screen.getByText("Answering bob")).toBeInTheDocument();
    await person.keyboard("Me{Enter}");
    expect(node.requests("send-message")).toMatchObject([{ text: "Me", reply_to: "m1" }]);

    await person.keyboard("{ArrowUp}");
    expect(screen.getByTestId("composer")).toHaveValue("I do");
    await person.keyboard(" not{Enter}");
    expect(node.requests("edit-message")).toEqual([
      { user: "alice", group: CLUB, message: "m2", text: "I do not" },
    ]);
  });

  it("deletes for everyone only when that can no longer be undone", async () => {
    vi.useFakeTimers({ shouldAdvanceTime: true, toFake: ["setInterval", "clearInterval"] });
    try {
      const { person } = open(node, AT);
      const row = await screen.findByTestId("message-m2");
      const remove = async () => {
        row.focus();
        fireEvent.keyDown(await screen.findByTestId("message-m2"), { key: "Delete" });
        await waitFor(() => expect(screen.queryByTestId("message-m2")).toBeNull());
      };
      await remove();
      await person.click(within(await screen.findByTestId("toast")).getByRole("button", { name: /Undo/ }));
      expect(await screen.findByTestId("message-m2")).toBeInTheDocument();

      await remove();
      expect(node.requests("delete-message")).toEqual([]);
      act(() => void vi.advanceTimersByTime(UNDO_MS + 500));
      await waitFor(() =>
        expect(node.requests("delete-message")).toEqual([{ user: "alice", group: CLUB, message: "m2" }]),
      );
      expect(toasts.read()).toEqual([]);
    } finally {
      vi.useRealTimers();
    }
  });

  it("says why a message was not sent, and tries again", async () => {
    messages.push(own(3, "Hello", { state: "failed", error: "the group is over" }));
    const { person } = open(node, AT);
    const row = await screen.findByTestId("message-m3");
    expect(row).toHaveTextContent("not sent: the group is over");
    await person.click(within(row).getByRole("button", { name: "Try again" }));
    expect(node.requests("retry-message")).toEqual([{ user: "alice", group: CLUB, message: "m3" }]);
  });

  it("shows what happened, what is deleted, and that a part cannot be shown", async () => {
    messages.push(
      message(3, "", { notice: { kind: "added", by: ALICE, users: [user("carol")], text: null } }),
      message(4, "", { deleted: true }),
      message(5, "", { unshown: [{ content_type: "image/jpeg", bytes: 2_000 }] }),
    );
    open(node, AT);
    expect(await screen.findByText(/alice added carol/)).toBeInTheDocument();
    expect(screen.getByText("This message was deleted.")).toBeInTheDocument();
    expect(screen.getByText("A part that cannot be shown here: image/jpeg, 2.0 kB")).toBeInTheDocument();
  });

  it("says what was refused, and not that the group was changed", async () => {
    const refused = { kind: "policy" as const, by: null, users: [], text: "Removing bob: only admins may." };
    messages.push(message(3, "", { notice: refused }));
    open(node, AT);
    expect(await screen.findByTestId("notice-m3")).toHaveTextContent(
      "This was refused. Removing bob: only admins may.",
    );
    expect(screen.queryByText(/changed who may do what/)).toBeNull();
  });

  it("says why a message is still on its way while the provider that keeps the group is away", async () => {
    messages.push(own(3, "Hello", { state: "sent" }));
    node.groups = [groupDetail()];
    open(node, AT);
    const row = await screen.findByTestId("message-m3");
    expect(row).toHaveTextContent("on its way");
    expect(row).not.toHaveTextContent("cannot be reached");
    node.groups = [groupDetail({ summary: groupSummary({ owner_away_since: at(-60_000) }) })];
    node.emit({ type: "peers" });
    await waitFor(() =>
      expect(row).toHaveTextContent("on its way: the provider that keeps the group cannot be reached"),
    );
    node.groups = [groupDetail({ summary: groupSummary({ owner_let_go: true }) })];
    node.emit({ type: "peers" });
    await waitFor(() =>
      expect(row).toHaveTextContent("on its way: the provider that keeps the group was let go of here"),
    );
  });

  it("says that the log of the group is in dispute, and where a message is that waits for that", async () => {
    const fault = "event 8 of it is not the one that it told before";
    messages.push(own(3, "Hello", { state: "sending" }));
    node.groups = [groupDetail({ summary: groupSummary({ standing: "broken", fault }) })];
    const { person, router } = open(node, AT);
    const row = await screen.findByTestId("message-m3");
    await waitFor(() => expect(row).toHaveTextContent("sending: the group's log is in dispute"));
    expect(screen.getByTestId("dispute")).toHaveTextContent(fault);
    await person.click(within(row).getByRole("button", { name: "More" }));
    await person.click(await screen.findByRole("menuitem", { name: "Where is it?" }));
    await waitFor(() => expect(router.state.location.pathname).toBe("/doctor/trace"));
  });

  it("says why a message waits where the provider that keeps the group blocks us, or is blocked", async () => {
    const group = "mimi://beta.example/g/choir";
    messages.push(own(3, "Hello", { state: "sending" }));
    node.conversations = [conversation(messages, { summary: conversationSummary({ group }) })];
    node.groups = [groupDetail({ summary: groupSummary({ group, owner: "beta.example", ours: false }) })];
    node.peers = [peer("beta.example")];
    open(node, `/conversations?open=${encodeURIComponent(group)}`);
    const row = await screen.findByTestId("message-m3");
    expect(row).toHaveTextContent(/sending$/);
    expect(screen.queryByTestId("owner-standing")).toBeNull();
    for (const [over, why, text] of [
      [{ their_state: "blocked" }, "blocks us", "Its operator has blocked this provider."],
      [
        { state: "blocked" },
        "you block the provider",
        "You have blocked it, so nothing is exchanged with it.",
      ],
    ] as const) {
      node.peers = [peer("beta.example", over)];
      node.emit({ type: "peers" });
      await waitFor(() => expect(row).toHaveTextContent(new RegExp(`sending: .*${why}`)));
      expect(screen.getByTestId("owner-standing")).toHaveTextContent(
        `beta.example (beta) keeps this group. ${text}`,
      );
    }
    node.peers = [failingPeer("beta.example")];
    node.emit({ type: "peers" });
    await waitFor(() =>
      expect(row).toHaveTextContent("sending: the provider that keeps the group cannot be reached"),
    );
    // What has arrived waits for nobody.
    expect(screen.getByTestId("message-m2")).not.toHaveTextContent("cannot be reached");
  });

  it("shows of a stranger's sign what can be seen of it", async () => {
    const reactions = [
      { emoji: "👍", users: [user("bob")] },
      { emoji: "\u202Eno", users: [user("bob")] },
      { emoji: "\u200B", users: [user("bob")] },
    ];
    messages.push(message(3, "Six o'clock", { reactions }));
    open(node, AT);
    expect(await screen.findByRole("button", { name: "👍 1: bob" })).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "[U+202E]no 1: bob" })).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "a sign that cannot be seen 1: bob" })).toBeInTheDocument();
  });

  it("marks what is unproved, says why, and takes the mark away once it is proved", async () => {
    messages.push(
      message(3, "", {
        notice: { kind: "read-back", by: null, users: [], text: "gamma.example" },
      }),
      message(4, "Sent like this", { unproved: "gamma.example" }),
      message(5, "Surely sent"),
    );
    const { person } = open(node, AT);
    expect(await screen.findByText(/Messages were read back from gamma\.example here/)).toBeInTheDocument();
    const row = screen.getByTestId("message-m4");
    await person.click(within(row).getByRole("button", { name: "Unproved" }));
    expect(await screen.findByRole("dialog", { name: "Unproved" })).toHaveTextContent(
      "Read back from gamma.example after this provider's data was set back to an older copy. That it was sent like this rests on that provider's word.",
    );
    await person.keyboard("{Escape}");
    expect(within(screen.getByTestId("message-m5")).queryByText("Unproved")).toBeNull();

    messages[messages.length - 2] = message(4, "Sent like this");
    changed();
    await waitFor(() => expect(screen.queryByText("Unproved")).toBeNull());
    expect(screen.getByTestId("message-m4")).toHaveTextContent("Sent like this");
  });

  it("lets nothing of a stranger's Markdown become HTML or be fetched", async () => {
    messages.push(
      message(
        3,
        '<img src=x onerror="alert(1)"> ![a cat](https://evil.example/cat.png) [ok](https://good.example) [bad](javascript:alert(1))\n\n<script>alert(2)</script>',
      ),
    );
    open(node, AT);
    const row = await screen.findByTestId("message-m3");
    expect(row.querySelector("img, script, iframe, [onerror]")).toBeNull();
    expect(row).toHaveTextContent("image not loaded: a cat");
    expect(row).toHaveTextContent("<script>");
    const links = [...row.querySelectorAll("a")].map((link) => link.getAttribute("href"));
    expect(links).toEqual(["https://good.example"]);
  });

  it("asks to add people, of those one is connected with, and shows who is being asked", async () => {
    const { person } = open(node, AT);
    await person.click(await screen.findByTestId("members"));
    await person.click(await screen.findByTestId("add-somebody"));
    const dialog = await screen.findByRole("dialog");
    expect(within(dialog).queryByText("bob")).toBeNull();
    expect(within(dialog).queryByText("dave")).toBeNull();
    await person.click(within(dialog).getByRole("checkbox"));
    node.conversations = [
      conversation(messages, {
        additions: [{ id: "1", user: user("carol", "gamma.example"), state: "pending", error: null }],
      }),
    ];
    await person.click(within(dialog).getByRole("button", { name: "Ask to add" }));
    expect(await screen.findByTestId("pending-1")).toHaveTextContent("their provider is asked");
    expect(node.requests("ask-to-add")).toEqual([
      { user: "alice", group: CLUB, other: user("carol", "gamma.example") },
    ]);
  });

  it("says why somebody who is to be added cannot be asked", async () => {
    const additions = [
      { id: "1", user: user("carol", "gamma.example"), state: "pending" as const, error: null },
    ];
    node.conversations = [conversation(messages, { additions })];
    node.peers = [peer("gamma.example")];
    open(node, `${AT}&members=shown`);
    const asked = await screen.findByTestId("pending-1");
    expect(asked).toHaveTextContent("their provider is asked");
    node.peers = [failingPeer("gamma.example")];
    node.emit({ type: "peers" });
    await waitFor(() => expect(asked).toHaveTextContent("their provider cannot be reached"));
  });

  it("makes a group and opens it", async () => {
    node.answers["create-group"] = () => {
      node.conversations.push(
        conversation([], {
          summary: conversationSummary({ group: "mimi://alpha.example/g/new", name: "New" }),
        }),
      );
      return { group: "mimi://alpha.example/g/new" };
    };
    const { person } = open(node, "/conversations");
    await person.click(await screen.findByTestId("new-group"));
    await person.type(await screen.findByLabelText("Name"), "New");
    await person.click(screen.getByRole("button", { name: "Make the group" }));
    expect(await screen.findByLabelText("Write to New")).toBeInTheDocument();
    expect(node.requests("create-group")).toEqual([
      { user: "alice", name: "New", add: "admins", send: "members" },
    ]);
  });

  it("searches, and goes to the place", async () => {
    node.answers["search-messages"] = () => ({
      hits: [
        {
          group: CLUB,
          name: "Rowing club",
          place: 1,
          id: "m1",
          preview: { sender: user("bob"), own: false, text: "Who brings the oars?", time: messages[0]?.time },
        },
      ],
    });
    const { person, router } = open(node, "/conversations");
    await person.type(await screen.findByLabelText("Search messages"), "oars");
    await person.click(await screen.findByText("oars", { selector: "mark" }));
    expect(await screen.findByTestId("message-m1")).toBeInTheDocument();
    expect(router.state.location.search).toMatchObject({ open: CLUB, at: 1 });
  });

  it("counts what is unread where one is not looking", async () => {
    node.conversations = [conversation(messages, { summary: conversationSummary({ unread: 3 }) })];
    open(node, "/");
    const nav = await screen.findByTestId("nav-conversations");
    await waitFor(() => expect(nav).toHaveTextContent("3"));
    node.conversations = [conversation(messages, { summary: conversationSummary({ unread: 4 }) })];
    node.emit({ type: "conversations", user: "alice" });
    await waitFor(() => expect(screen.getByTestId("nav-conversations")).toHaveTextContent("4"));
  });

  it("can be read but not written in once one was removed", async () => {
    node.conversations = [
      conversation(messages, { summary: conversationSummary({ standing: "removed", can_send: false }) }),
    ];
    open(node, AT);
    expect(await screen.findByText(/You were removed from this group/)).toBeInTheDocument();
    expect(screen.queryByTestId("composer")).toBeNull();
  });
});
