/**
 * Comparisons of groups' logs: the latest of each group, for as long as this page is open. One that was begun goes on while
 * something else is shown.
 */
import type { Comparison } from "@/bindings/Comparison";
import { type Admin, sentence } from "@/domain/node/admin";
import { Store } from "@/shared/store";

export interface Comparing {
  comparison: Comparison | null;
  isRunning: boolean;
  /** Why it did not begin, or was not finished. */
  fault: string | null;
}

const NOTHING: Comparing = { comparison: null, isRunning: false, fault: null };

/** An answer without news is not asked for again at once. */
const REST_MS = 500;

export class Comparisons {
  readonly all = new Store<ReadonlyMap<string, Comparing>>(new Map());
  readonly #admin: Admin;

  constructor(admin: Admin) {
    this.#admin = admin;
  }

  static of(all: ReadonlyMap<string, Comparing>, group: string): Comparing {
    return all.get(group) ?? NOTHING;
  }

  /** Compares the log of that group anew, where it is not being compared. */
  async begin(group: string): Promise<void> {
    if (Comparisons.of(this.all.read(), group).isRunning) return;
    this.#set(group, { comparison: null, isRunning: true, fault: null });
    let known = 0;
    let comparison: Comparison | null = null;
    try {
      const { id } = await this.#admin.call("compare-log", { group });
      for (;;) {
        comparison = await this.#admin.call("comparison", { id, after: known });
        const isRunning = !comparison.is_finished;
        this.#set(group, { comparison, isRunning, fault: null });
        if (!isRunning) return;
        if (comparison.findings.length <= known) await new Promise((done) => setTimeout(done, REST_MS));
        known = comparison.findings.length;
      }
    } catch (fault) {
      this.#set(group, { comparison, isRunning: false, fault: sentence(fault) });
    }
  }

  #set(group: string, comparing: Comparing): void {
    this.all.update((all) => new Map(all).set(group, comparing));
  }
}
