/** Groups, conversations and additions as a node would show them, for tests. */
import type { Authorization } from "@/bindings/Authorization";
import type { Conversation } from "@/bindings/Conversation";
import type { ConversationSummary } from "@/bindings/ConversationSummary";
import type { GrantView } from "@/bindings/GrantView";
import type { GroupDetail } from "@/bindings/GroupDetail";
import type { GroupSummary } from "@/bindings/GroupSummary";
import type { Message } from "@/bindings/Message";

export const US = "alpha.example";
export const user = (name: string, provider = "beta.example") => `mimi://${provider}/u/${name}`;
export const CLUB = `mimi://${US}/g/club`;
export const ALICE = user("alice", US);

export const NOW = new Date("2026-11-23T12:00:00.000Z").getTime();
export const at = (ms = 0) => new Date(NOW + ms).toISOString();
export const DAY = 86_400_000;

export function addition(over: Partial<Authorization> = {}): Authorization {
  return {
    id: "01900000-0000-7000-8000-0000000000a1",
    from_provider: "beta.example",
    group: "mimi://beta.example/g/choir",
    title: null,
    group_name: null,
    adder: user("bob"),
    user: ALICE,
    outgoing: false,
    state: "pending",
    created: at(-60_000),
    expires: at(29 * DAY),
    changed: at(-60_000),
    decided_by: null,
    ignored: false,
    delivered: true,
    refused: null,
    reopenable: false,
    used: false,
    ...over,
  };
}

export function groupSummary(over: Partial<GroupSummary> = {}): GroupSummary {
  return {
    group: CLUB,
    name: "Rowing club",
    owner: US,
    ours: true,
    epoch: 4,
    head: 9,
    users: 3,
    clients: 4,
    providers: 3,
    created: at(-DAY),
    standing: "live",
    owner_let_go: false,
    owner_away_since: null,
    fault: null,
    bytes: 48_211,
    ...over,
  };
}

export function grant(name: string, provider = "beta.example", over: Partial<GrantView> = {}): GrantView {
  return {
    iss: provider,
    aud: US,
    sub: user(name, provider),
    adder: ALICE,
    group: CLUB,
    jti: "01900000-0000-7000-8000-0000000000f1",
    issued: at(-DAY),
    expires: at(29 * DAY),
    verified: true,
    verdict: `${provider} signed it, and it says what the roster says.`,
    ...over,
  };
}

const client = (uri: string, name: string, leaf: number, since_epoch: number) => ({
  client: `${uri}/d/${name}`,
  leaf,
  since_epoch,
});

export function groupDetail(over: Partial<GroupDetail> = {}): GroupDetail {
  const [bob, carol] = [user("bob"), user("carol", "gamma.example")];
  return {
    summary: groupSummary(),
    cipher_suite: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
    policy: { name: "Rowing club", admins: [ALICE], add: "admins", send: "members" },
    hash: "q1sT6Qm8nC4b0Y2yP1bS9vQf3hXk7uJd5oWzR2tLmEA",
    roster: [
      {
        provider: US,
        users: [
          {
            user: ALICE,
            admin: true,
            unproved: false,
            added_by: ALICE,
            since_epoch: 0,
            clients: [client(ALICE, "drawbridge", 0, 0), client(ALICE, "phone", 1, 1)],
            grant: null,
          },
        ],
      },
      {
        provider: "beta.example",
        users: [
          {
            user: bob,
            admin: false,
            unproved: false,
            added_by: ALICE,
            since_epoch: 2,
            clients: [client(bob, "drawbridge", 2, 2)],
            grant: grant("bob"),
          },
        ],
      },
      {
        provider: "gamma.example",
        users: [
          {
            user: carol,
            admin: false,
            unproved: false,
            added_by: ALICE,
            since_epoch: 3,
            clients: [client(carol, "drawbridge", 3, 3)],
            grant: grant("carol", "gamma.example", {
              verified: false,
              verdict: "No key of gamma.example that is known here made this signature.",
            }),
          },
        ],
      },
    ],
    participants: [
      { provider: US, acknowledged: 9, behind: 0, until: null, last_pull: null, waiting: false },
      {
        provider: "beta.example",
        acknowledged: 9,
        behind: 0,
        until: null,
        last_pull: at(-4_000),
        waiting: true,
      },
      {
        provider: "gamma.example",
        acknowledged: 6,
        behind: 3,
        until: null,
        last_pull: at(-95_000),
        waiting: false,
      },
    ],
    accounts: [{ user: "alice", admin: true, built_in: true }],
    events: [
      ["application", 9, 4, `${ALICE}/d/drawbridge`],
      ["application", 8, 4, `${bob}/d/drawbridge`],
      ["commit", 7, 3, `${ALICE}/d/drawbridge`],
      ["created", 1, 0, `${ALICE}/d/drawbridge`],
    ].map(([kind, seq, epoch, sender]) => ({
      kind: kind as "application",
      seq: seq as number,
      epoch: epoch as number,
      sender: sender as string,
      time: at(-(10 - (seq as number)) * 60_000),
      bytes: 300 + (seq as number),
      hash: `hash${seq}`.padEnd(43, "x"),
    })),
    branches: [],
    unproved: [],
    forks: [],
    ...over,
  };
}

export function message(place: number, text: string, over: Partial<Message> = {}): Message {
  return {
    place,
    id: `m${place}`,
    sender: user("bob"),
    own: false,
    time: at(-3_600_000 + place * 60_000),
    state: "accepted",
    error: null,
    format: "markdown",
    text,
    in_reply_to: null,
    edited: false,
    deleted: false,
    reactions: [],
    unshown: [],
    unproved: null,
    notice: null,
    ...over,
  };
}

export const own = (place: number, text: string, over: Partial<Message> = {}) =>
  message(place, text, { sender: ALICE, own: true, ...over });

export function conversationSummary(over: Partial<ConversationSummary> = {}): ConversationSummary {
  return {
    group: CLUB,
    name: "Rowing club",
    others: [user("bob"), user("carol", "gamma.example")],
    users: 3,
    unread: 0,
    last: { sender: user("bob"), own: false, text: "See you at six", time: at(-60_000) },
    standing: "live",
    fault: null,
    can_send: true,
    can_add: true,
    is_admin: true,
    add: "admins",
    send: "members",
    waiting: 0,
    ...over,
  };
}

export function conversation(messages: Message[], over: Partial<Conversation> = {}): Conversation {
  return {
    summary: conversationSummary(),
    messages,
    more: false,
    members: [
      { user: ALICE, admin: true, clients: [`${ALICE}/d/drawbridge`], you: true },
      { user: user("bob"), admin: false, clients: [`${user("bob")}/d/drawbridge`], you: false },
    ],
    additions: [],
    read: messages.at(-1)?.place ?? 0,
    ...over,
  };
}
