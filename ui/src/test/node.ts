/** A node in memory, for tests only: it answers, remembers what it was told, and can be cut off. */
import type { AllowedAddress } from "@/bindings/AllowedAddress";
import type { Authorization } from "@/bindings/Authorization";
import type { BackupMade } from "@/bindings/BackupMade";
import type { Backups } from "@/bindings/Backups";
import type { CheckReport } from "@/bindings/CheckReport";
import type { CheckStep } from "@/bindings/CheckStep";
import type { Connection } from "@/bindings/Connection";
import type { Contact } from "@/bindings/Contact";
import type { Conversation } from "@/bindings/Conversation";
import type { Demo } from "@/bindings/Demo";
import type { DemoNode } from "@/bindings/DemoNode";
import type { Event } from "@/bindings/Event";
import type { GroupDetail } from "@/bindings/GroupDetail";
import type { Health } from "@/bindings/Health";
import type { HeartbeatSlot } from "@/bindings/HeartbeatSlot";
import type { Heartbeats } from "@/bindings/Heartbeats";
import type { Here } from "@/bindings/Here";
import type { Losses } from "@/bindings/Losses";
import type { NewerVersion } from "@/bindings/NewerVersion";
import type { NotifyTarget } from "@/bindings/NotifyTarget";
import type { NotifyTest } from "@/bindings/NotifyTest";
import type { Ourselves } from "@/bindings/Ourselves";
import type { Peer } from "@/bindings/Peer";
import type { PeerStanding } from "@/bindings/PeerStanding";
import type { Repair } from "@/bindings/Repair";
import type { Repairs } from "@/bindings/Repairs";
import type { RetentionPreview } from "@/bindings/RetentionPreview";
import type { SetUpAnswer } from "@/bindings/SetUpAnswer";
import type { SetUpField } from "@/bindings/SetUpField";
import type { SignedWith } from "@/bindings/SignedWith";
import type { SigningKey } from "@/bindings/SigningKey";
import type { SigningKeys } from "@/bindings/SigningKeys";
import type { Status } from "@/bindings/Status";
import type { Storage } from "@/bindings/Storage";
import type { Timing } from "@/bindings/Timing";
import type { Traffic } from "@/bindings/Traffic";
import type { TrafficKept } from "@/bindings/TrafficKept";
import type { User } from "@/bindings/User";
import type { WaitingProvider } from "@/bindings/WaitingProvider";
import { passes } from "@/domain/traffic/passes";
import {
  AdminError,
  type Command,
  type Elsewhere,
  type EventSink,
  type Platform,
  type RequestOf,
  UNREACHABLE,
} from "@/platform";

import { at, DAY, US, user } from "./fixtures";

export { at, NOW, US, user } from "./fixtures";

export function signingKey(over: Partial<SigningKey> = {}): SigningKey {
  return {
    fingerprint: "qx7Pz0f9D2kLm3NvR8sTw1YbC4eGh5JiKo6UaXdEyFQ",
    standing: "signs",
    since: at(-90 * DAY),
    until: null,
    leaves: null,
    ...over,
  };
}

export function connection(over: Partial<Connection> = {}): Connection {
  return {
    id: "01900000-0000-7000-8000-000000000001",
    from: user("bob"),
    to: user("alice", US),
    outgoing: false,
    state: "pending",
    created: at(-60_000),
    expires: at(29 * DAY),
    changed: at(-60_000),
    decided_by: null,
    ignored: false,
    peer_state: "allowed",
    delivered: true,
    refused: null,
    reopenable: false,
    ...over,
  };
}

export function waitingProvider(provider: string, over: Partial<WaitingProvider> = {}): WaitingProvider {
  return {
    provider,
    since: at(-60_000),
    expires: at(14 * DAY),
    waiting: true,
    connections: 1,
    fingerprints: ["qx7Pz0f9D2kLm3NvR8sTw1YbC4eGh5JiKo6UaXdEyFQ"],
    ...over,
  };
}

/** Something that is wrong. */
export function repair(over: Partial<Repair> = {}): Repair {
  return {
    id: "01900000-0000-7000-8000-00000000aaaa",
    subject: { type: "peer", provider: "beta.example" },
    kind: "exchange",
    code: "connection-refused",
    stage: "connect",
    severity: "high",
    side: "theirs",
    text: "Nothing comes from beta.example: no connection to it: Connection refused. It was last here 5 minutes ago, and nothing waits here for it to fetch.",
    suffers: { groups: 2, users: 1, submissions: 3 },
    since: at(-600_000),
    raised: at(-480_000),
    seen: at(-5_000),
    gone: null,
    ignored: false,
    ignored_at: null,
    ...over,
  };
}

/** What the node would say, by the judgements alone. */
function standing({ state = "allowed", their_state = "allowed" }: Partial<Peer>): PeerStanding {
  const say = (code: PeerStanding["code"], text: string, next: string): PeerStanding => ({
    code,
    text,
    side: null,
    next,
  });
  const shut = "It is not tried until it is let in.";
  switch (state) {
    case "key-changed":
      return say("key-changed", "It shows a key that was not accepted.", shut);
    case "blocked":
      return say("blocked", "You have blocked it, so nothing is exchanged with it.", shut);
    case "pending":
      return say("waits-here", "It waits for your decision on it.", shut);
    case "unknown":
      return say("unmet", "Nothing was exchanged with it so far.", shut);
    case "allowed":
      if (their_state === "blocked")
        return say("blocks-us", "Its operator has blocked this provider.", "It is not tried at the moment.");
      if (their_state === "pending")
        return say(
          "waits-there",
          "This provider waits for the decision of its operator.",
          "A request is there now.",
        );
      return say("well", "Each pulls from the other, as it should be.", "A request is there now.");
  }
}

export function peer(provider: string, over: Partial<Peer> = {}): Peer {
  return {
    provider,
    state: "allowed",
    since: at(-DAY),
    their_state: "allowed",
    fingerprints: ["qx7Pz0f9D2kLm3NvR8sTw1YbC4eGh5JiKo6UaXdEyFQ"],
    new_fingerprints: [],
    software: "drawbridge 0.1.0",
    endpoint: `https://${provider}/mtp/v1`,
    pulling: {
      status: "waiting",
      since: at(-5_000),
      last_pull: at(-5_000),
      next_try: null,
      failures: 0,
      cursor: 7,
      head: 7,
    },
    serving: {
      waiting: true,
      last_pull: at(-8_000),
      gone_since: null,
      head: 3,
      acknowledged: 3,
      lag_ms: null,
    },
    latency_ms: 4.2,
    connections: 1,
    troubles: [],
    kept: null,
    suffers: null,
    standing: standing(over),
    ...over,
  };
}

/** A peer that has just been switched off. */
export function failingPeer(provider: string): Peer {
  const whole = peer(provider);
  return {
    ...whole,
    pulling: { ...whole.pulling, status: "backing-off", failures: 3, next_try: at(4_000) },
    serving: { ...whole.serving, waiting: false, gone_since: at(-9_000) },
    troubles: [
      {
        stage: "connect",
        code: "connection-refused",
        text: `${provider} refused the connection`,
        first: at(-9_000),
        last: at(-1_000),
        count: 3,
        over: false,
      },
    ],
    suffers: { groups: 2, users: 1, submissions: 3 },
    standing: {
      code: "failing",
      text: "Nothing of it has come here for 9 seconds: it refused the connection. It does come here, and fetches what there is for it.",
      side: "theirs",
      next: "It is tried again in 4 seconds, after 3 failures in a row.",
    },
  };
}

export function timing(over: Partial<Timing> = {}): Timing {
  const none = { dns: null, connect: null, tls: null, wait: null, transfer: null, verify: null, store: null };
  return { ...none, ...over };
}

export function traffic(id: number, over: Partial<Traffic> = {}): Traffic {
  return {
    id,
    at: at(id),
    direction: "in",
    kind: "pull",
    asker: "node",
    peer: "beta.example",
    address: "192.0.2.7",
    verified: true,
    signature: { covered: ["@method", "@path"], key: "beta.example#k1" },
    method: "GET",
    target: "/feed?after=0&wait=55",
    protocol: "HTTP/2.0",
    waiting: false,
    status: 200,
    code: null,
    duration_ms: 12,
    timing: timing({ verify: 2, wait: 10 }),
    request_bytes: 0,
    response_bytes: 420,
    items: [],
    item_count: 0,
    stage: null,
    text: null,
    request_headers: ["mtp-to: alpha.example"],
    response_headers: [],
    ...over,
  };
}

/** Ninety slots of 40 seconds that end with the one that is now; all well, but those that are named by their place. */
export function heartbeats(over: {
  ours?: Record<number, Partial<HeartbeatSlot>>;
  theirs?: Record<number, Partial<HeartbeatSlot>>;
}): Heartbeats {
  const good: HeartbeatSlot = { state: "good", good: 2, failed: 0, code: null };
  const slots = (named: Record<number, Partial<HeartbeatSlot>> = {}) =>
    Array.from({ length: 90 }, (_, index) => ({ ...good, ...named[index] }));
  return {
    heartbeat: {
      from: at(-89 * 40_000),
      slot_ms: 40_000,
      ours: slots(over.ours),
      theirs: slots(over.theirs),
    },
    fault: null,
  };
}

export function demoNode(name: string, provider: string, person: string): DemoNode {
  return {
    name,
    provider,
    shown: provider === US,
    running: true,
    waiting: 0,
    unread: 0,
    people: [user(person, provider)],
    on: [],
    turning: null,
    locked: provider === US ? ["stopped", "slow", "lossy", "cutting-proxy", "key-changed", "forked"] : [],
    can_fork: true,
  };
}

export function step(name: CheckStep["name"], text: string, over: Partial<CheckStep> = {}): CheckStep {
  return {
    name,
    at: null,
    verdict: "pass",
    duration_ms: 3,
    text,
    code: null,
    stage: "http",
    side: null,
    evidence: [],
    ...over,
  };
}

type Answers = { [C in Command]?: (request: RequestOf<C>) => unknown };

export class TestNode implements Platform {
  readonly kind: Platform["kind"] = "browser";
  machine: string | null = null;
  elsewhere: Elsewhere | null = null;
  readonly told: { command: Command; request: unknown }[] = [];
  readonly entered: string[] = [];
  readonly saved: string[] = [];
  readonly savedAs: string[] = [];
  readonly downloaded: string[] = [];
  /** Where a peer is, and which of that is allowed for it. */
  readonly addresses = [{ host: "beta.example", address: "192.168.1.20", open: false, may_be_allowed: true }];
  allowed: AllowedAddress[] = [];
  waiting: WaitingProvider[] = [];
  incoming: Connection[] = [];
  outgoing: Connection[] = [];
  decided: Connection[] = [];
  additions: Authorization[] = [];
  outgoingAdditions: Authorization[] = [];
  decidedAdditions: Authorization[] = [];
  groups: GroupDetail[] = [];
  conversations: Conversation[] = [];
  contacts: Contact[] = [];
  /** Whether alice is used on this computer. */
  here = true;
  /** Why it cannot be opened. */
  /** Where the account is used here, but is not open. */
  notOpen: Here | null = null;
  peers: Peer[] = [];
  newer: NewerVersion | null = null;
  repairs: Repairs = { open: [], ignored: [], begun: [], history: [], looked: at(-12_000) };
  health: Health = { code: "alone", grade: "wait", about: null, count: 0, of: 0 };
  /** Oldest first. */
  traffic: Traffic[] = [];
  /** What it says of its file; by itself, what has ended. */
  kept: TrafficKept | null | undefined = undefined;
  heartbeats: Heartbeats = heartbeats({});
  backups: Backups = {
    folder: "/data/backups",
    every_hours: 0,
    keep: 7,
    recipient: null,
    keys: true,
    backups: [],
    unreadable: null,
    failed: null,
  };
  targets: NotifyTarget[] = [];
  /** What becomes of a test. */
  tests: NotifyTest[] = [];
  storage: Storage = {
    kinds: [
      { kind: "logs", bytes: 40_000_000, count: 12_000 },
      { kind: "peer-feeds", bytes: 90_000, count: 1 },
      { kind: "other", bytes: 3_000_000, count: null },
      { kind: "free", bytes: 20_000_000, count: null },
      { kind: "copies", bytes: 0, count: 0 },
    ],
    groups: [
      {
        group: `mimi://${US}/g/club`,
        name: "Rowing club",
        ours: true,
        events: 12_000,
        bytes: 40_000_000,
        contents_from: null,
      },
    ],
    peers: [
      {
        provider: "beta.example",
        bytes: 90_000,
        feed_bytes: 90_000,
        items: 40,
        waiting: 1,
        groups: 0,
        group_bytes: 0,
      },
    ],
    clients: [],
    store_bytes: 63_090_000,
    free_bytes: 20_000_000,
    disk_free_bytes: 5_000_000_000,
    retention_days: null,
    least_days: 7,
    compacting_bytes: null,
    compacted: null,
  };
  /** What a retention would remove. */
  preview: Omit<RetentionPreview, "days"> = {
    messages: 0,
    bytes: 0,
    oldest: null,
    groups: [],
    held: 0,
    unfetched: [],
  };
  keys: SigningKeys = { keys: [signingKey()], rotate_days: 0, next: null, waits: null };
  /** What was signed with its key. */
  signed: Omit<SignedWith, "key"> = { grants: [], groups: [], stops: [] };
  /** What is lost with whatever is let go of. */
  losses: Losses = {
    lost: [
      { what: "3 items in its feed that it has not fetched", octets: 4_200 },
      { what: "how far its feed was fetched", octets: null },
    ],
    stays: ["1 rule that keeps somebody there away"],
    holds: [],
    means: ["If it comes back, it is a stranger."],
    seen: "a1b2c3d4e5f60718",
  };
  bundle = '{\n  "about": "A support bundle"\n}';
  mode: Status["mode"] = "demo";
  demo: Demo = {
    nodes: [demoNode("alpha", US, "alice"), demoNode("beta", "beta.example", "bob")],
    steps: {
      connected: false,
      made: false,
      asked: [],
      added: [],
      wrote: false,
      answered: [],
      removed: false,
    },
  };
  /** Which provider is shown. */
  provider = US;
  /** Answers of one test, before the usual ones. */
  answers: Answers = {};
  /** What is so with the node itself: all well. */
  ourselves: Ourselves = {
    name: "found",
    name_text: null,
    looked: at(-60_000),
    named_port: 443,
    listening_port: 443,
    certificates: [
      {
        section: "mtp",
        file: "/etc/drawbridge/cert.pem",
        fingerprint: `ab:${"cd:".repeat(30)}ef`,
        names: [US],
        is_ours: true,
        self_signed: false,
        begins: at(-DAY),
        ends: at(60 * DAY),
        refused: null,
      },
    ],
    issuance: null,
    router: null,
    address_hook: null,
    store: null,
    free: null,
  };
  /** What its doctor has found, each by its number less one. */
  reports: CheckReport[] = [];
  locked = false;
  down = false;
  /** Why it is not reached, of one on another machine. */
  lostFor: AdminError | null = null;
  #sink: EventSink | null = null;
  #cursor = 0;

  readonly session = { origin: window.location.origin, current: async () => "one" };
  readonly entrance = {
    refused: null as AdminError | null,
    enter: async (token: string) => {
      this.entered.push(token);
      if (token === "used") throw new AdminError("token-used", "this link was used before");
      if (token !== "right") throw new AdminError("token-wrong", "this is not the token");
      this.locked = false;
    },
  };

  readonly save = (name: string, content: string) => {
    this.savedAs.push(name);
    this.saved.push(content);
  };

  readonly download = (path: string) => {
    this.downloaded.push(path);
  };

  async call(command: Command, request: unknown): Promise<never> {
    if (this.lostFor !== null) throw this.lostFor;
    if (this.down) throw new AdminError(UNREACHABLE, "");
    if (this.locked) throw new AdminError("token-required", "a token is needed");
    this.told.push({ command, request: structuredClone(request) });
    const own = this.answers[command] as ((request: unknown) => unknown) | undefined;
    const answer = await (own === undefined ? this.#usual(command, request) : own(request));
    return structuredClone(answer) as never;
  }

  subscribe(sink: EventSink): () => void {
    this.#sink = sink;
    queueMicrotask(() => {
      if (this.locked) sink.locked(new AdminError("token-required", "a token is needed"));
      else if (this.lostFor !== null) sink.lost(this.lostFor);
      else sink.opened();
    });
    return () => {
      this.#sink = null;
    };
  }

  emit(event: Event, place: { incarnation?: string; skip?: number } = {}): void {
    this.#cursor += 1 + (place.skip ?? 0);
    this.#sink?.event({ incarnation: place.incarnation ?? "one", cursor: this.#cursor, event });
  }

  lock(why: AdminError): void {
    this.locked = true;
    this.#sink?.locked(why);
  }

  lose(why?: AdminError): void {
    this.down = true;
    this.#sink?.lost(why);
  }

  heal(): void {
    this.down = false;
    this.locked = false;
    this.#sink?.opened();
  }

  /** Its latest look has come further. */
  found(steps: readonly CheckStep[], over: Partial<CheckReport> = {}): void {
    const latest = this.reports.at(-1);
    if (latest === undefined) throw new Error("no look has begun");
    const all = [...latest.steps, ...steps];
    const ranks = ["fail", "wait", "warn"] as const;
    const verdict = ranks.find((each) => all.some((step) => step.verdict === each)) ?? "pass";
    const works = verdict === "pass" || verdict === "warn";
    this.reports[this.reports.length - 1] = { ...latest, steps: all, verdict, works, ...over };
    for (const answer of this.#askers.splice(0)) answer();
  }

  /** What it was told with a command. */
  requests(command: Command): unknown[] {
    return this.told.filter((each) => each.command === command).map((each) => each.request);
  }

  #backUp({ passphrase, keys }: RequestOf<"back-up">): BackupMade {
    const sealed = passphrase !== undefined;
    const file = `/data/backups/home.example.drawbridge${sealed ? ".age" : ""}`;
    this.backups.backups = [{ file, bytes: 1_000_000, made: at(0), sealed }, ...this.backups.backups];
    return { file, bytes: 1_000_000, made: at(0), sealed, keys: keys ?? true, lacks_clients_key: false };
  }

  #signedWith(command: Command, fingerprint: string): SignedWith {
    const key = this.keys.keys.find((each) => each.fingerprint === fingerprint) ?? signingKey();
    if (command === "revoke-key")
      this.keys.keys = [
        signingKey({ fingerprint: "NEWkey", since: at(0) }),
        { ...key, standing: "revoked", until: at(0) },
      ];
    return { key, ...this.signed };
  }

  #usual(command: Command, request: unknown): unknown {
    switch (command) {
      case "status":
        return this.#status();
      case "look-at-set-up": {
        const { provider, user: name, listen = "0.0.0.0:443" } = request as RequestOf<"look-at-set-up">;
        const fine = (field: SetUpField, value: string): SetUpAnswer => ({ field, value, notes: [] });
        const answers = [
          fine("provider", provider),
          fine("listen", listen),
          fine("user", name),
          fine("clients", "127.0.0.1:9102"),
        ];
        return { answers, account: user(name, provider), is_ready: true };
      }
      case "card":
        return {
          provider: this.provider,
          link: `mimi://${this.provider}?key=qx7Pz0f9D2kLm3NvR8sTw1YbC4eGh5JiKo6UaXdEyFQ`,
          key: "qx7Pz0f9D2kLm3NvR8sTw1YbC4eGh5JiKo6UaXdEyFQ",
          certificate: null,
          qr: { size: 33, path: "M4 4h1v1h-1z" },
        };
      case "read-card": {
        const { text } = request as RequestOf<"read-card">;
        const [, provider = "", key = null, certificate = null] =
          /^(?:mimi:\/\/|https:\/\/)?([\w.:]+)(?:\?key=([\w-]+)(?:&certificate=(\w+))?)?$/.exec(text) ?? [];
        if (provider === "") throw new AdminError("not-understood", `"${text}" is no provider's name`);
        return { provider, key, certificate };
      }
      case "trusted-certificates":
        return { certificates: [] };
      case "order-backup": {
        const { passphrase, keys } = request as RequestOf<"order-backup">;
        return { id: "b1", sealed: passphrase !== undefined, keys: keys ?? true };
      }
      case "met-addresses":
        return { addresses: this.addresses.map((each) => ({ ...each, open: this.allowed.length > 0 })) };
      case "allow-addresses": {
        const { provider, addresses } = request as RequestOf<"allow-addresses">;
        this.allowed = addresses.map((address) => ({ provider, host: provider, address, since: at(-1_000) }));
        return { addresses: this.allowed };
      }
      case "allowed-addresses":
        return { addresses: this.allowed };
      case "sessions":
        return { sessions: [] };
      case "try-issuance":
      case "end-session":
      case "end-other-sessions":
        return {};
      case "approvals":
        return {
          providers: this.waiting,
          incoming: this.incoming,
          outgoing: this.outgoing,
          additions: this.additions,
          outgoing_additions: this.outgoingAdditions,
          decided: [
            ...this.decided.map((each) => ({ kind: "connection", connection: each })),
            ...this.decidedAdditions.map((each) => ({ kind: "addition", addition: each })),
          ],
        };
      case "repairs":
        return this.repairs;
      case "ignore-repair":
        return this.#ignore((request as RequestOf<"ignore-repair">).id, true);
      case "unignore-repair":
        return this.#ignore((request as RequestOf<"unignore-repair">).id, false);
      case "go-on-here":
        this.repairs = { ...this.repairs, open: this.repairs.open.filter((each) => each.kind !== "copy") };
        return this.repairs;
      case "peers":
        return { peers: this.peers };
      case "peer":
        return this.peers.find((each) => each.provider === (request as { provider: string }).provider);
      case "traffic":
        return this.#page(request as RequestOf<"traffic">);
      case "heartbeats":
        return this.heartbeats;
      case "export-traffic":
        return this.#file(request as RequestOf<"export-traffic">);
      case "keys":
        return this.keys;
      case "rotate-key":
        this.keys.keys = [
          signingKey({ fingerprint: "NEWkey", standing: "next", since: at(DAY) }),
          ...this.keys.keys,
        ];
        return this.keys;
      case "signed-with":
      case "revoke-key":
        return this.#signedWith(command, (request as RequestOf<"revoke-key">).fingerprint);
      case "notify-targets":
        return { targets: this.targets };
      case "test-notify":
        return { results: this.tests };
      case "backups":
        return this.backups;
      case "storage":
        return this.storage;
      case "preview-retention":
        return { days: (request as RequestOf<"preview-retention">).days, ...this.preview };
      case "set-retention":
        this.storage.retention_days = (request as RequestOf<"set-retention">).days ?? null;
        return this.storage;
      case "compact": {
        const { store_bytes, free_bytes } = this.storage;
        const compacted = { at: at(0), before_bytes: store_bytes, after_bytes: store_bytes - free_bytes };
        this.storage = { ...this.storage, free_bytes: 0, compacted };
        return this.storage;
      }
      case "back-up":
        return this.#backUp(request as RequestOf<"back-up">);
      case "proxy-configs":
        return {
          behind_proxy: false,
          configs: [
            { program: "nginx", title: "nginx", file: "drawbridge.conf", text: "server_name home.example;" },
            { program: "caddy", title: "Caddy", file: "Caddyfile", text: "home.example { }" },
          ],
        };
      case "support-bundle":
        return { text: this.bundle };
      case "losses":
        return this.losses;
      case "forget":
        if ((request as RequestOf<"forget">).seen !== this.losses.seen)
          throw new AdminError("losses-changed", "what would be lost is not what it was when it was shown");
        return {};
      case "end-connections":
        this.losses = {
          ...this.losses,
          holds: this.losses.holds.filter((hold) => hold.code !== "connected"),
        };
        return {};
      case "users":
        return { users: [this.#alice()] };
      case "open-account":
      case "close-account":
        this.here = command === "open-account";
        this.notOpen = null;
        return this.#alice();
      case "groups":
        return { groups: this.groups.map((each) => each.summary) };
      case "group":
        return this.#group((request as RequestOf<"group">).group);
      case "conversations":
        return { conversations: this.conversations.map((each) => each.summary), contacts: this.contacts };
      case "conversation":
        return this.#stretch(request as RequestOf<"conversation">);
      case "search-messages":
        return { hits: [] };
      case "decide-authorization":
        return this.#decideAddition(request as RequestOf<"decide-authorization">);
      case "rules":
        return { rules: [{ user: null, from: "spam.example", rule: "block", since: at(-DAY) }] };
      case "demo":
        return this.demo;
      case "demo-switch": {
        const { provider, switch: of, on } = request as RequestOf<"demo-switch">;
        const turn = (was: DemoNode["on"]) => (on ? [...was, of] : was.filter((each) => each !== of));
        const nodes = this.demo.nodes.map((each) =>
          each.name === provider ? { ...each, on: turn(each.on) } : each,
        );
        this.demo = { ...this.demo, nodes };
        this.emit({ type: "demo" });
        return {};
      }
      case "look-at-demo-node": {
        const { name } = request as RequestOf<"look-at-demo-node">;
        const nodes = this.demo.nodes.map((each) => ({ ...each, shown: each.name === name }));
        this.demo = { ...this.demo, nodes };
        this.provider = nodes.find((each) => each.shown)?.provider ?? US;
        this.emit({ type: "reload" });
        return {};
      }
      case "decide-connection":
        return this.#decide(request as RequestOf<"decide-connection">);
      case "set-peer": {
        const { provider, state } = request as RequestOf<"set-peer">;
        const undo = this.#undoable();
        this.waiting = this.waiting.filter((each) => each.provider !== provider);
        return { peer: peer(provider, { state }), undo };
      }
      case "ignore-peer": {
        const { provider } = request as RequestOf<"ignore-peer">;
        const undo = this.#undoable();
        this.waiting = this.waiting.filter((each) => each.provider !== provider);
        return { peer: peer(provider, { state: "pending" }), undo };
      }
      case "read-name": {
        const { kind, text } = request as RequestOf<"read-name">;
        const [, name, provider] = /^(\w+)@([\w.:]+)$/.exec(text) ?? [];
        if (kind === "user" && name !== undefined) return { name: `mimi://${provider}/u/${name}` };
        if (kind === "provider" && /^(https:\/\/)?[\w.]+(:\d+)?$/.test(text))
          return { name: text.replace("https://", "") };
        if (kind === "user" && text.startsWith("mimi://") && text.includes("/u/")) return { name: text };
        throw new AdminError("not-understood", `"${text}" is no ${kind}'s name`);
      }
      case "check": {
        const { provider = this.provider } = request as RequestOf<"check">;
        return this.#opened({ provider, is_own: provider === this.provider, seen_by: null });
      }
      case "look-back":
        return this.#opened({
          provider: this.provider,
          is_own: true,
          seen_by: (request as RequestOf<"look-back">).provider,
        });
      case "check-report":
        return this.#report(request as RequestOf<"check-report">);
      case "undo":
        this.#undos.get((request as RequestOf<"undo">).undo)?.();
        return {};
      default:
        return {};
    }
  }

  #alice(): User {
    const uri = user("alice", US);
    const client = { uri: `${uri}/d/laptop`, created: at(-DAY), last_seen: null, built_in: false };
    const built = { ...client, name: "drawbridge", uri: `${uri}/d/drawbridge`, built_in: true };
    return {
      name: "alice",
      uri,
      rule: "ask",
      created: at(-DAY),
      clients: [
        { ...client, name: "laptop", stock: { available: 2, last_resort: true, to_come: 60, low: true } },
        ...(this.here
          ? [{ ...built, stock: { available: 100, last_resort: true, to_come: 0, low: false } }]
          : []),
      ],
      connections: this.contacts.length,
      contacts: this.contacts.map((each) => ({ user: each.user, add_rule: "ask" as const })),
      here: this.notOpen ?? { state: this.here ? "open" : "unused" },
    };
  }

  #group(uri: string): GroupDetail {
    const found = this.groups.find(({ summary }) => summary.group === uri);
    if (found === undefined) throw new AdminError("no-such-group", "there is no such group here");
    return found;
  }

  #stretch({ group, before = Number.MAX_SAFE_INTEGER, limit = 100 }: RequestOf<"conversation">) {
    const found = this.conversations.find(({ summary }) => summary.group === group);
    if (found === undefined) throw new AdminError("not-found", "there is no such conversation");
    const earlier = found.messages.filter(({ place }) => place < before);
    return { ...found, messages: earlier.slice(-limit), more: earlier.length > limit };
  }

  #ignore(id: string, ignored: boolean): Repairs {
    const found = [...this.repairs.open, ...this.repairs.ignored].find((each) => each.id === id);
    if (found === undefined) throw new AdminError("no-such-repair", "nothing that is wrong has that id");
    const after = { ...found, ignored, ignored_at: ignored ? at() : found.ignored_at };
    const rest = (list: Repair[]) => list.filter((each) => each !== found);
    const [open, set] = [rest(this.repairs.open), rest(this.repairs.ignored)];
    this.repairs = {
      ...this.repairs,
      open: ignored ? open : [...open, after],
      ignored: ignored ? [...set, after] : set,
    };
    return this.repairs;
  }

  #page({ filters = {}, before = Number.MAX_SAFE_INTEGER, limit = 1_000 }: RequestOf<"traffic">) {
    const found = this.traffic.filter((record) => record.id < before && passes(filters, record));
    const ended = this.traffic.filter(({ waiting }) => !waiting);
    const usual = { requests: ended.length, since: ended[0]?.at ?? null, lost: 0, fault: null };
    return {
      records: found.toReversed().slice(0, Math.min(limit, 10_000)),
      kept: this.kept === undefined ? usual : this.kept,
    };
  }

  #file({ filters = {}, format, hide_names }: RequestOf<"export-traffic">) {
    const { records } = this.#page({ filters, limit: 10_000 });
    const told = hide_names ? records.map((record) => ({ ...record, peer: "hidden" })) : records;
    const lines = told.map((record) => JSON.stringify(record));
    return {
      text: format === "har" ? `{"log":{"entries":[${lines.join()}]}}` : lines.join("\n"),
      requests: records.length,
      more: this.traffic.length > records.length && records.length === 10_000,
    };
  }

  readonly #askers: (() => void)[] = [];

  #opened(of: Pick<CheckReport, "provider" | "is_own" | "seen_by">) {
    const began = at(this.reports.length);
    this.reports.push({
      ...of,
      began,
      verdict: "pass",
      works: true,
      summary: "",
      steps: [],
      is_finished: false,
    });
    return { id: this.reports.length };
  }

  async #report({ id, after = 0 }: RequestOf<"check-report">): Promise<CheckReport> {
    for (;;) {
      const report = this.reports[id - 1];
      if (report === undefined)
        throw new AdminError("unfit", `there is no report ${id} any more; look again`);
      if (report.is_finished || report.steps.length > after) return report;
      await new Promise<void>((answer) => this.#askers.push(answer));
    }
  }

  readonly #undos = new Map<string, () => void>();

  /** Puts everything that waits or was decided back as it is now. */
  #undoable(): string {
    const { waiting, incoming, additions, decided, decidedAdditions } = this;
    const id = `undo-${this.#undos.size + 1}`;
    const before = structuredClone({ waiting, incoming, additions, decided, decidedAdditions });
    this.#undos.set(id, () => void Object.assign(this, before));
    return id;
  }

  #decideAddition({ id, decision }: RequestOf<"decide-authorization">) {
    const found = [...this.additions, ...this.decidedAdditions].find((each) => each.id === id);
    if (found === undefined) throw new AdminError("not-found", "there is no such request");
    const undo = decision === "approve" || decision === "revoke" ? null : this.#undoable();
    this.additions = this.additions.filter((each) => each !== found);
    this.decidedAdditions = this.decidedAdditions.filter((each) => each !== found);
    const states = {
      approve: "approved",
      decline: "declined",
      revoke: "ended",
      ignore: "pending",
      reopen: "pending",
    } as const;
    const ignored = decision === "ignore";
    const after = { ...found, state: states[decision], ignored, reopenable: ignored };
    if (after.state === "pending" && !ignored) this.additions.push(after);
    else this.decidedAdditions.push(after);
    return { authorization: after, undo };
  }

  #decide({ id, decision, admit }: RequestOf<"decide-connection">) {
    const found = [...this.incoming, ...this.decided].find((each) => each.id === id);
    if (found === undefined) throw new AdminError("not-found", "there is no such request");
    const undo = decision === "approve" || decision === "end" ? null : this.#undoable();
    if (admit) this.waiting = this.waiting.filter((each) => !found.from.includes(`//${each.provider}/`));
    this.incoming = this.incoming.filter((each) => each !== found);
    this.decided = this.decided.filter((each) => each !== found);
    const states = {
      approve: "approved",
      decline: "declined",
      end: "ended",
      ignore: "pending",
      reopen: "pending",
    } as const;
    const ignored = decision === "ignore";
    const after = { ...found, state: states[decision], ignored, reopenable: ignored };
    if (after.state === "pending" && !ignored) this.incoming.push(after);
    else this.decided.push(after);
    return { connection: after, undo };
  }

  #status(): Status {
    return {
      mode: this.mode,
      version: "0.1.0",
      now: at(),
      node:
        this.mode === "new"
          ? null
          : {
              health: this.health,
              provider: this.provider,
              started: at(-3_600_000),
              fingerprint: "qx7Pz0f9D2kLm3NvR8sTw1YbC4eGh5JiKo6UaXdEyFQ",
              endpoint: `https://${US}/mtp/v1`,
              strangers: "ask",
              tell_declined: false,
              waiting_providers: this.waiting.length,
              waiting_connections: this.incoming.length,
              waiting_additions: this.additions.length,
              peers: this.peers.length,
              newer: this.newer,
              failing_peers: this.peers.filter((each) => each.pulling.status === "backing-off").length,
              users: 1,
              connections: 1,
              pulls_last_minute: 3,
              waiting_pulls: 1,
              listeners: [{ name: "mtp", address: "127.0.0.1:8441", tls: true }],
              data_dir: "/var/lib/drawbridge",
              store_bytes: 123_456,
              ourselves: this.ourselves,
            },
    };
  }
}
