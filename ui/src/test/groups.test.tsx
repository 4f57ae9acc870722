import { screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { AdminError } from "@/platform";
import { at, CLUB, groupDetail, groupSummary, US, user } from "./fixtures";
import { peer, TestNode } from "./node";
import { open } from "./render";

const AT = `/groups?open=${encodeURIComponent(CLUB)}`;

describe("groups", () => {
  let node: TestNode;
  beforeEach(() => {
    node = new TestNode();
    node.groups = [
      groupDetail(),
      groupDetail({
        summary: groupSummary({
          group: "mimi://beta.example/g/choir",
          name: "",
          owner: "beta.example",
          ours: false,
          standing: "broken",
          fault: "event 8 names another hash",
        }),
      }),
    ];
  });

  it("lists those kept here and elsewhere, with what is wrong in words", async () => {
    open(node, "/groups");
    expect(await screen.findByText("Rowing club")).toBeInTheDocument();
    expect(screen.getByTestId(`group-${CLUB}`)).toHaveTextContent("3 people4 clients");
    const choir = screen.getByTestId("group-mimi://beta.example/g/choir");
    expect(choir).toHaveTextContent("choir");
    expect(choir).toHaveTextContent("Broken");
    expect(choir).toHaveTextContent("event 8 names another hash");
  });

  it("shortens a long name, with all of it when pointed at, and never an address", async () => {
    const name = `${"The very long name of a rowing club ".repeat(6)}2026`;
    const long = `mimi://${US}/g/${"x".repeat(60)}.one`;
    node.groups = [
      groupDetail({ summary: groupSummary({ name }) }),
      groupDetail({ summary: groupSummary({ group: long, name: "" }) }),
    ];
    open(node, "/groups");
    const named = await screen.findByTitle(name);
    expect(named).toHaveClass("line-clamp-2");
    const address = screen.getByTestId(`group-${long}`);
    expect(address).toHaveTextContent(`${"x".repeat(60)}.one`);
    expect(address.querySelector(".line-clamp-2, .truncate")).toBeNull();
    expect(screen.getByTestId(`group-${CLUB}`)).toHaveTextContent("club");
  });

  it("shows who added whom, and the grant's claims behind it", async () => {
    const { person } = open(node, AT);
    await person.click(await screen.findByRole("button", { name: "Grant: verified, for bob" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog).toHaveTextContent("beta.example signed it, and it says what the roster says.");
    expect(dialog).toHaveTextContent("mimi://alpha.example/u/alice");
    await person.keyboard("{Escape}");
    expect(screen.getByRole("button", { name: "Grant: not verified, for carol" })).toHaveTextContent(
      "not verified",
    );
  });

  it("says how far each provider is, as a number and in words", async () => {
    open(node, AT);
    const gamma = await screen.findByTestId("participant-gamma.example");
    expect(gamma).toHaveTextContent("3 events behind");
    expect(gamma).toHaveTextContent("6 of 9 events");
    expect(screen.getByTestId("participant-beta.example")).toHaveTextContent("has everything");
  });

  it("does not say that all is here while the owner is away", async () => {
    const summary = groupSummary({ owner: "beta.example", ours: false, owner_away_since: at(-95_000) });
    const us = { provider: US, acknowledged: 9, behind: 0, until: null, last_pull: null, waiting: false };
    node.groups = [groupDetail({ summary, participants: [us] })];
    open(node, AT);
    const place = await screen.findByTestId(`participant-${US}`);
    expect(place).toHaveTextContent("has what there was");
    expect(place).not.toHaveTextContent("has everything");
    expect(screen.getAllByText("Owner away").length).toBeGreaterThan(0);
    expect(screen.queryByText("Live")).toBeNull();
  });

  it("does not call a group live whose owner is blocked or blocks us, and says why nothing of it comes", async () => {
    const group = "mimi://beta.example/g/choir";
    const summary = groupSummary({ group, name: "Choir", owner: "beta.example", ours: false });
    const us = { provider: US, acknowledged: 9, behind: 0, until: null, last_pull: null, waiting: false };
    node.groups = [groupDetail({ summary, participants: [us] })];
    node.peers = [peer("beta.example")];
    open(node, `/groups?open=${encodeURIComponent(group)}`);
    const row = await screen.findByTestId(`group-${group}`);
    await waitFor(() => expect(row).toHaveTextContent("Live"));
    for (const [over, word, why] of [
      [{ state: "blocked" }, "Owner blocked", "you have blocked beta.example (beta)"],
      [
        { their_state: "blocked" },
        "Owner blocks us",
        "beta.example (beta), which keeps it, has blocked this",
      ],
    ] as const) {
      node.peers = [peer("beta.example", over)];
      node.emit({ type: "peers" });
      await waitFor(() => expect(row).toHaveTextContent(word));
      expect(row).toHaveTextContent(`Nothing of it comes or goes: ${why}`);
      expect(screen.queryByText("Live")).toBeNull();
      const details = screen.getByRole("complementary");
      expect(details).toHaveTextContent("Nothing of it comes or goes");
      expect(details).not.toHaveTextContent("has everything");
    }
  });

  it("does not call a group live whose owner was let go of, and says that nothing of it comes any more", async () => {
    const summary = groupSummary({ owner: "beta.example", ours: false, owner_let_go: true });
    const us = { provider: US, acknowledged: 9, behind: 0, until: null, last_pull: null, waiting: false };
    node.groups = [groupDetail({ summary, participants: [us] })];
    open(node, AT);
    const row = await screen.findByTestId(`group-${CLUB}`);
    expect(row).toHaveTextContent("Owner let go");
    expect(row).toHaveTextContent("Nothing of it comes or goes any more: beta.example");
    expect(screen.queryByText("Live")).toBeNull();
    expect(screen.getByRole("complementary")).not.toHaveTextContent("has everything");
  });

  it("says of a provider to which nothing goes why it gets no more of a group that is kept here", async () => {
    node.peers = [peer("beta.example", { their_state: "blocked" })];
    open(node, AT);
    const beta = await screen.findByTestId("participant-beta.example");
    await waitFor(() => expect(beta).toHaveTextContent("Its operator has blocked this provider."));
    expect(beta).not.toHaveTextContent("has everything");
    expect(screen.getByTestId(`group-${CLUB}`)).toHaveTextContent("Live");
  });

  it("says of an event that nothing of what it said is kept", async () => {
    const [last] = groupDetail().events;
    if (last === undefined) throw new Error("the fixture has events");
    node.groups = [groupDetail({ events: [{ ...last, bytes: 0 }] })];
    open(node, AT);
    expect(await screen.findByTestId(`event-${last.seq}`)).toHaveTextContent("no content");
  });

  it("shows the events that do not count, apart from those that do", async () => {
    const [last] = groupDetail().events;
    if (last === undefined) throw new Error("the fixture has events");
    const lost = { ...last, seq: 8, sender: `${user("bob")}/d/phone`, hash: "lost".padEnd(43, "x") };
    const branch = { first: 8, last: 9, begun: at(-7_200_000), at: at(-60_000), events: [lost] };
    node.groups = [groupDetail({ branches: [branch] })];
    open(node, AT);
    const title = await screen.findByText("Events 8 to 9 that do not count");
    const part = title.closest("section");
    if (part === null) throw new Error("the part has a section");
    expect(part).toHaveTextContent("The first was numbered 2 h ago, and this was found 1 min ago.");
    expect(within(part).getByTestId("event-8")).toHaveTextContent("bob");
    expect(within(part).queryByTestId("event-7")).toBeNull();
  });

  it("says that somebody made the group only of who has been in it since its beginning", async () => {
    const whole = groupDetail();
    const roster = whole.roster.map(({ provider, users }) => ({
      provider,
      users: users.map((each) =>
        // bob's data was lost, and his client has joined anew by itself.
        each.user === user("bob") ? { ...each, added_by: each.user, grant: null, since_epoch: 4 } : each,
      ),
    }));
    node.groups = [{ ...whole, roster }];
    open(node, AT);
    const ours = await screen.findByRole("region", { name: US });
    expect(ours).toHaveTextContent("1 person");
    expect(ours).toHaveTextContent("made the group · since epoch 0");
    const theirs = screen.getByRole("region", { name: "beta.example" });
    expect(theirs).toHaveTextContent("was in it before the clients below");
    expect(theirs).not.toHaveTextContent(/made the group|since epoch 4/);
  });

  it("says which provider is cut off, and follows acknowledgements", async () => {
    open(node, AT);
    const gamma = await screen.findByTestId("participant-gamma.example");
    for (const group of node.groups)
      group.participants = group.participants.map((each) =>
        each.provider === "gamma.example" ? { ...each, behind: 0, until: 6 } : each,
      );
    // An acknowledgement is news of the peer, not of the group.
    node.emit({ type: "peers" });
    await waitFor(() => expect(gamma).toHaveTextContent("cut off after 6"));
  });

  it("follows what happens in it", async () => {
    open(node, AT);
    await screen.findByTestId("participant-gamma.example");
    node.groups = [groupDetail({ participants: [], summary: groupSummary({ users: 7 }) })];
    node.emit({ type: "group", group: CLUB });
    await waitFor(() => expect(screen.getByRole("complementary")).toHaveTextContent("7 people"));
  });

  it("says which messages are unproved and from whom, until they are proved", async () => {
    const unproved = [
      { from: "beta.example", messages: 1, first: 5, last: 5 },
      { from: "gamma.example", messages: 3, first: 6, last: 9 },
    ];
    node.groups = [groupDetail({ unproved })];
    open(node, AT);
    const gamma = await screen.findByTestId("unproved-gamma.example");
    expect(gamma).toHaveTextContent(
      "3 messages are unproved: between event 6 and event 9, read back from gamma.example",
    );
    expect(screen.getByTestId("unproved-beta.example")).toHaveTextContent(
      "1 message is unproved: event 5, read back from beta.example",
    );
    expect(screen.getByText(/no checkpoint that it had signed before covers them/)).toBeInTheDocument();
    node.groups = [groupDetail()];
    node.emit({ type: "group", group: CLUB });
    await waitFor(() => expect(gamma).not.toBeInTheDocument());
    expect(screen.queryByText(/unproved/)).toBeNull();
  });

  it("removes a provider's people in one step, after naming them", async () => {
    const { person } = open(node, AT);
    await person.click(await screen.findByRole("button", { name: "Remove all of beta.example (beta)" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog).toHaveTextContent("bob will get nothing from it any more");
    await person.click(within(dialog).getByRole("button", { name: "Remove 1 person" }));
    await waitFor(() =>
      expect(node.requests("remove-from-group")).toEqual([
        { user: "alice", group: CLUB, others: [user("bob")] },
      ]),
    );
  });

  it("leaves only after saying what it means, and says why it could not", async () => {
    node.answers["leave-group"] = () => {
      throw new AdminError("conflict", "make somebody else an admin first");
    };
    const { person } = open(node, AT);
    await person.click(await screen.findByRole("button", { name: "Leave as alice" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog).toHaveTextContent("You are its only admin");
    await person.click(within(dialog).getByRole("button", { name: "Leave the group" }));
    expect(await within(dialog).findByText("Make somebody else an admin first.")).toBeInTheDocument();
  });

  it("says that a provider alone changes nothing", async () => {
    node.groups = [groupDetail({ accounts: [{ user: "alice", admin: true, built_in: false }] })];
    open(node, AT);
    expect(await screen.findByText(/A provider changes nothing in a group by itself/)).toBeInTheDocument();
    expect(screen.queryByRole("button", { name: /Remove all/ })).toBeNull();
  });
});
