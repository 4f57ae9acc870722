/**
 * The stream of the node's events. An event says which kind of thing has changed; what is shown of that kind
 * is read anew. A new run of the node, a gap in the stream or an opened stream reads everything anew.
 */
import type { Query, QueryClient } from "@tanstack/react-query";
import type { Authorization } from "@/bindings/Authorization";
import type { Connection } from "@/bindings/Connection";
import type { Event } from "@/bindings/Event";
import type { EventEnvelope } from "@/bindings/EventEnvelope";
import type { Repair } from "@/bindings/Repair";
import type { Status } from "@/bindings/Status";
import type { Traffic } from "@/bindings/Traffic";
import { AdminError, type Command, isLocked, type Platform, UNREACHABLE } from "@/platform";
import { now } from "@/shared/clock";
import { Store } from "@/shared/store";

export type Link =
  | { state: "connecting" }
  | { state: "live" }
  | { state: "lost"; since: string; why: AdminError | null }
  | { state: "locked"; why: AdminError };

/** What is read anew: all readings of a command, or those whose request has these members. */
export type Reading = Command | readonly [Command, Readonly<Record<string, string>>];

type Telling = Exclude<Event, { type: "reload" | "traffic" }>;

function readings(event: Telling): readonly Reading[] {
  switch (event.type) {
    case "peers":
      // How far each provider has acknowledged a group's log, and whether its keeper is heard, is news of the provider.
      return ["peers", "peer", "groups", "group", "allowed-addresses", "status", "dry-run"];
    case "approvals":
      // Whom one may add hangs on the connections.
      return ["approvals", "connections", "authorizations", "conversations", "users", "status", "dry-run"];
    case "accounts":
      return ["users", "rules", "status", "dry-run"];
    case "settings":
      return [
        "status",
        "sessions",
        "backups",
        "storage",
        "keys",
        "dry-run",
        "trusted-certificates",
        "allowed-addresses",
        "notify-targets",
      ];
    case "demo":
      return ["demo"];
    case "waiting":
    case "addition-waiting":
      return ["approvals", "status"];
    case "repairs":
    case "repair-raised":
      return ["repairs", "status"];
    case "stock-low":
      return ["users"];
    case "group":
      return ["groups", ["group", { group: event.group }]];
    case "conversations":
      return [["conversations", { user: event.user }]];
    case "conversation":
      return [
        ["conversations", { user: event.user }],
        ["conversation", { user: event.user, group: event.group }],
      ];
  }
}

/** Two readings of the same thing are at least so far apart, however fast events come. */
const REST_MS = 60;

export interface Listener {
  /** Requests began or ended. */
  traffic?(records: readonly Traffic[]): void;
  /** Everything kept from before may be wrong. */
  reloaded?(): void;
  /** Something new waits. */
  waiting?(provider: string, connection: Connection | null): void;
  /** Somebody new would like to add one of our people to a group. */
  additionWaiting?(addition: Authorization): void;
  /** Something is wrong that was not, or that is worse than it was. */
  repairRaised?(repair: Repair): void;
  /** A client should publish more KeyPackages. */
  stockLow?(client: string): void;
}

export class Live {
  readonly link = new Store<Link>({ state: "connecting" });
  readonly #platform: Platform;
  readonly #queries: QueryClient;
  readonly #listeners = new Set<Listener>();
  readonly #reading = new Map<string, { again: boolean; done: Promise<void> }>();
  #place: { incarnation: string; cursor: number } | null = null;

  constructor(platform: Platform, queries: QueryClient) {
    this.#platform = platform;
    this.#queries = queries;
  }

  open(): () => void {
    return this.#platform.subscribe({
      opened: () => {
        this.link.set({ state: "live" });
        this.reload();
      },
      event: (envelope) => this.#take(envelope),
      lost: (why) => this.#lose(why ?? null),
      locked: (why) => this.link.set({ state: "locked", why }),
    });
  }

  /** A session was made: the stream opens by itself within its own time, the pages need not wait for it. */
  unlocked(): void {
    this.link.set({ state: "connecting" });
    this.reload();
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A call failed: it may be the first to know that the node is gone or the session over. */
  heard(fault: unknown): void {
    if (!(fault instanceof AdminError)) return;
    if (isLocked(fault)) this.link.set({ state: "locked", why: fault });
    if (fault.code === UNREACHABLE && this.link.read().state === "connecting") this.#lose(fault);
  }

  reload(): void {
    void this.#readAll();
    for (const listener of this.#listeners) listener.reloaded?.();
  }

  /** The node is asked first who it is: in the demo another may be shown, for which nothing read before holds. */
  async #readAll(): Promise<void> {
    const rest = { predicate: (query: Query) => query.queryKey[0] !== "status" };
    const before = this.#provider();
    await this.#queries.invalidateQueries({ queryKey: ["status"] });
    if (before === undefined || before === this.#provider())
      return void this.#queries.invalidateQueries(rest);
    for (const query of this.#queries.getQueryCache().findAll(rest)) query.reset();
    // What is still shown once the pages have taken that in is read.
    setTimeout(() => void this.#queries.refetchQueries({ ...rest, type: "active" }));
  }

  #provider(): string | undefined {
    return this.#queries.getQueryData<Status>(["status", {}])?.node?.provider;
  }

  async refresh(list: readonly Reading[]): Promise<void> {
    await Promise.all(list.map((reading) => this.#read(reading)));
  }

  #lose(why: AdminError | null): void {
    const before = this.link.read();
    // Another machine says itself at which step it is lost, so it is known that more is wrong than the session.
    if (before.state === "locked" && why?.fault == null) return;
    const since = before.state === "lost" ? before.since : new Date(now()).toISOString();
    this.link.set({ state: "lost", since, why });
  }

  #take({ incarnation, cursor, event }: EventEnvelope): void {
    const before = this.#place;
    this.#place = { incarnation, cursor };
    const strange = before !== null && (before.incarnation !== incarnation || cursor > before.cursor + 1);
    if (strange || event.type === "reload") this.reload();
    if (event.type === "reload") return;
    if (event.type === "traffic") {
      for (const listener of this.#listeners) listener.traffic?.(event.records);
      return;
    }
    void this.refresh(readings(event));
    for (const listener of this.#listeners) {
      if (event.type === "waiting") listener.waiting?.(event.provider, event.connection);
      if (event.type === "addition-waiting") listener.additionWaiting?.(event.addition);
      if (event.type === "repair-raised") listener.repairRaised?.(event.repair);
      if (event.type === "stock-low") listener.stockLow?.(event.client);
    }
  }

  /** At most one reading of a kind is under way, and one more follows if something changed meanwhile. */
  #read(of: Reading): Promise<void> {
    const queryKey = typeof of === "string" ? [of] : of;
    const name = JSON.stringify(queryKey);
    const under = this.#reading.get(name);
    if (under !== undefined) {
      under.again = true;
      return under.done;
    }
    const reading = { again: true, done: Promise.resolve() };
    this.#reading.set(name, reading);
    reading.done = (async () => {
      let first = true;
      while (reading.again) {
        if (!first) await new Promise((resolve) => setTimeout(resolve, REST_MS));
        first = false;
        reading.again = false;
        await this.#queries.invalidateQueries({ queryKey }, { cancelRefetch: true });
      }
      this.#reading.delete(name);
    })();
    return reading.done;
  }
}
