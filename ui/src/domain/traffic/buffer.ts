/**
 * Requests that crossed the wire, at most `most` of them, outside React: they come in by the hundred and are shown at
 * most once for each tick.
 */
import type { Traffic } from "@/bindings/Traffic";
import { Store } from "@/shared/store";

export const MOST = 10_000;
const TICK_MS = 50;

export class TrafficBuffer {
  /** Newest first; a new array for each change. */
  readonly records = new Store<readonly Traffic[]>([]);
  #byId = new Map<number, Traffic>();
  #newest = 0;
  #ordered = true;
  #lowest = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(readonly most = MOST) {}

  /** Of what came before this number, some had to make room. */
  get lowest(): number {
    return this.#lowest;
  }

  take(records: readonly Traffic[]): void {
    for (const record of records) {
      const known = this.#byId.get(record.id);
      // A list that was read may be older than an event that overtook it.
      if (known !== undefined && !known.waiting && record.waiting) continue;
      if (known === undefined) {
        if (record.id < this.#newest) this.#ordered = false;
        else this.#newest = record.id;
      }
      this.#byId.set(record.id, record);
    }
    this.#timer ??= setTimeout(() => this.publish(), TICK_MS);
  }

  /** These are no longer among what is asked for. */
  drop(ids: Iterable<number>): void {
    let had = false;
    for (const id of ids) had = this.#byId.delete(id) || had;
    if (had) this.#timer ??= setTimeout(() => this.publish(), TICK_MS);
  }

  clear(): void {
    this.#byId.clear();
    this.#newest = 0;
    this.#lowest = 0;
    this.#ordered = true;
    this.publish();
  }

  publish(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (!this.#ordered) {
      this.#byId = new Map([...this.#byId].sort(([a], [b]) => a - b));
      this.#ordered = true;
    }
    for (const id of this.#byId.keys()) {
      if (this.#byId.size <= this.most) break;
      this.#byId.delete(id);
      this.#lowest = id + 1;
    }
    this.records.set([...this.#byId.values()].reverse());
  }
}
