/**
 * The requests that some filters let pass: the latest as they come, and older ones page by page from the node's disk.
 * There is no gap in it: of everything from its oldest request on, it has all that pass.
 */
import type { Traffic } from "@/bindings/Traffic";
import type { TrafficFilters } from "@/bindings/TrafficFilters";
import type { TrafficList } from "@/bindings/TrafficList";
import type { TrafficQuery } from "@/bindings/TrafficQuery";
import { Store } from "@/shared/store";
import { TrafficBuffer } from "./buffer";
import { passes } from "./passes";

/** As many are held at most; older ones are found with a time before which they began. */
export const MOST_SHOWN = 20_000;
const FIRST = 500;
const PAGE = 1_000;
/** The node gives no more at once. */
const MOST_AT_ONCE = 10_000;

export type Reading =
  /** Something is being read: the latest, or a page. */
  | { state: "first" | "page" }
  /** There are older ones; or none; or they have no room. */
  | { state: "more" | "all" | "full" }
  | { state: "failed"; fault: unknown };

export class TrafficView {
  readonly reading = new Store<Reading>({ state: "first" });
  readonly #buffer: TrafficBuffer;
  readonly #ask: (query: TrafficQuery) => Promise<TrafficList>;
  readonly #filters: () => TrafficFilters;
  /** What came before this number is still to be read. */
  #floor = 0;
  /** What was heard while something is read, which may be older than that. */
  #heard: Traffic[] | null = null;
  #run = 0;

  /** `filters`: as they are now; a span of time that ends now moves on. */
  constructor(
    ask: (query: TrafficQuery) => Promise<TrafficList>,
    filters: () => TrafficFilters,
    most = MOST_SHOWN,
  ) {
    this.#ask = ask;
    this.#filters = filters;
    this.#buffer = new TrafficBuffer(most);
    this.#buffer.records.subscribe(() => this.#makeRoom());
  }

  /** Newest first. */
  get records(): Store<readonly Traffic[]> {
    return this.#buffer.records;
  }

  /** Requests began or ended. */
  hear(records: readonly Traffic[]): void {
    this.#heard?.push(...records);
    this.#take(records, this.#filters());
  }

  /** Reads the latest. Until they are there, it shows what passes of what is known already. */
  async open(known: readonly Traffic[]): Promise<void> {
    this.#take(known, this.#filters());
    this.#buffer.publish();
    await this.#readLatest(FIRST);
  }

  /** Reads the latest in place of everything held, and as many as are held. */
  async readAnew(): Promise<void> {
    await this.#readLatest(Math.max(this.records.read().length, FIRST));
  }

  async #readLatest(wanted: number): Promise<void> {
    const limit = Math.min(wanted, MOST_AT_ONCE, this.#buffer.most);
    await this.#read("first", { limit }, () => this.#buffer.clear());
  }

  /** Reads the next page, where there is one and nothing else is being read. */
  async readOlder(): Promise<void> {
    const { state } = this.reading.read();
    if (state !== "more" && state !== "failed") return;
    // Where the latest could not be read, nothing is known of what is older.
    if (this.#floor === 0) return this.readAnew();
    const limit = Math.min(PAGE, this.#buffer.most - this.records.read().length);
    if (limit > 0) await this.#read("page", { limit, before: this.#floor }, () => {});
  }

  /** Nothing that is still being read counts any more. */
  close(): void {
    this.#run += 1;
    this.#heard = null;
  }

  async #read(
    state: "first" | "page",
    query: { limit: number; before?: number },
    begin: () => void,
  ): Promise<void> {
    this.#run += 1;
    const run = this.#run;
    const heard: Traffic[] = [];
    this.#heard = heard;
    this.reading.set({ state });
    const filters = this.#filters();
    try {
      const { records } = await this.#ask({ ...query, filters });
      if (run !== this.#run) return;
      this.#heard = null;
      begin();
      this.#floor = records.length < query.limit ? 0 : (records.at(-1)?.id ?? 0);
      this.#buffer.take(records.toReversed());
      this.#take(heard, filters);
      this.#buffer.publish();
      this.reading.set({ state: this.#floor === 0 ? "all" : "more" });
      this.#makeRoom();
    } catch (fault) {
      if (run !== this.#run) return;
      this.#heard = null;
      this.reading.set({ state: "failed", fault });
    }
  }

  #take(records: readonly Traffic[], filters: TrafficFilters): void {
    const gone = this.#late(filters.since);
    const wanted: Traffic[] = [];
    for (const record of records) {
      if (record.id < this.#floor) continue;
      if (passes(filters, record)) wanted.push(record);
      else gone.push(record.id);
    }
    if (wanted.length > 0) this.#buffer.take(wanted);
    if (gone.length > 0) this.#buffer.drop(gone);
  }

  /** What began before a span of time that ends now. */
  #late(since: string | undefined): number[] {
    const records = this.records.read();
    if (since === undefined || (records.at(-1)?.at ?? since) >= since) return [];
    return records.filter(({ at }) => at < since).map(({ id }) => id);
  }

  /** Where what came has pushed out the oldest, those are older ones that have no room. */
  #makeRoom(): void {
    this.#floor = Math.max(this.#floor, this.#buffer.lowest);
    const { state } = this.reading.read();
    if (state !== "more" && state !== "all" && state !== "full") return;
    const isFull = this.records.read().length >= this.#buffer.most;
    this.reading.set({ state: this.#floor === 0 ? "all" : isFull ? "full" : "more" });
  }
}
