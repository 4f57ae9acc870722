/**
 * Looks at providers by the node's doctor, and at this provider by a peer's. They belong to the page and not to a screen: one goes on while another
 * screen is shown, and its report is there on the way back.
 */
import type { Check } from "@/bindings/Check";
import type { CheckReport } from "@/bindings/CheckReport";
import { type Admin, sentence } from "@/domain/node/admin";
import { AdminError, UNREACHABLE } from "@/platform";
import { now } from "@/shared/clock";
import { Store } from "@/shared/store";

/** What is looked at: a provider, as it was typed, or this one; that by its own node, or by a peer. */
export type Subject =
  | { kind: "provider"; typed: string }
  | { kind: "own" }
  | { kind: "look-back"; peer: string };

export interface Look {
  key: number;
  /** The provider whose node makes the report: in the demo there are several. */
  by: string;
  subject: Subject;
  /** Its number at the node, once it has begun. */
  id: number | null;
  report: CheckReport | null;
  /** `gone`: the node does not have it any more. `refused`: it did not begin. */
  state: "running" | "done" | "gone" | "refused";
  /** Why it did not begin. */
  fault: string | null;
  /** When it was heard of last, by the node's clock. */
  heard: number;
  /** When it was finished; of one that was read again, when it began. */
  ended: number | null;
}

/** Whether it is this provider itself that is looked at. */
export function isOwn({ report, subject }: Look): boolean {
  return report?.is_own ?? subject.kind !== "provider";
}

/** The peer that has looked, or is asked to. */
export function lookerOf({ report, subject }: Look): string | null {
  if (report !== null) return report.seen_by;
  return subject.kind === "look-back" ? subject.peer : null;
}

/** A look that the node may still have: what is kept of it with the place in the history. */
export interface Remembered {
  by: string;
  id: number;
  /** When it began. Not known yet of one that a peer makes, which has no step before it is done. */
  began: string | null;
}

/** What was found so shortly before is not looked for again by merely coming back. */
const FRESH_MS = 60_000;
/** As many as the node keeps. */
const KEPT = 32;
/** An answer without news is not asked for again at once, and neither is a node that does not answer. */
const REST_MS = 1_000;

const rest = () => new Promise((done) => setTimeout(done, REST_MS));

export class Looks {
  readonly all = new Store<readonly Look[]>([]);
  readonly #admin: Admin;
  #last = 0;

  constructor(admin: Admin) {
    this.#admin = admin;
  }

  /** The latest look of `by` at that. */
  static latest(all: readonly Look[], by: string, subject: Subject): Look | undefined {
    return all.findLast((look) => look.by === by && isOf(look, subject));
  }

  /** The place of a look was come to: its report is shown, or read from the node, or a look begins. */
  open(by: string, subject: Subject, remembered: Remembered | undefined): void {
    const found = Looks.latest(this.all.read(), by, subject);
    if (found === undefined && remembered?.by === by) {
      const look = this.#add(by, subject);
      this.#change(look.key, { id: remembered.id });
      void this.#follow(look, remembered.id, remembered.began);
    } else if (found === undefined || !isFresh(found)) {
      this.begin(by, subject);
    }
  }

  /** Begins a look, where the same is not being made. */
  begin(by: string, subject: Subject): void {
    if (Looks.latest(this.all.read(), by, subject)?.state === "running") return;
    void this.#begin(this.#add(by, subject));
  }

  async #begin(look: Look): Promise<void> {
    const { key } = look;
    let id: number;
    try {
      ({ id } = await this.#ask(look.subject));
    } catch (fault) {
      this.#change(key, { state: "refused", fault: sentence(fault) });
      return;
    }
    this.#change(key, { id });
    await this.#follow(look, id, null);
  }

  #ask(subject: Subject): Promise<Check> {
    switch (subject.kind) {
      case "provider":
        return this.#admin.call("check", { provider: subject.typed });
      case "own":
        return this.#admin.call("check", {});
      case "look-back":
        return this.#admin.call("look-back", { provider: subject.peer });
    }
  }

  /** Reads the report as it is made. `began` tells it from that of another run of the node with the same number. */
  async #follow({ key, subject }: Look, id: number, began: string | null): Promise<void> {
    let known = 0;
    let begun = began;
    for (;;) {
      try {
        const report = await this.#admin.call("check-report", { id, after: known });
        const isOther =
          (begun !== null && report.began !== begun) ||
          (subject.kind === "look-back" && report.seen_by !== subject.peer);
        if (isOther) return this.#change(key, { state: "gone" });
        begun = report.began;
        this.#change(key, { report });
        if (report.is_finished) {
          const ended = began === null ? now() : Date.parse(began);
          return this.#change(key, { state: "done", ended });
        }
        if (report.steps.length <= known) await rest();
        known = report.steps.length;
      } catch (fault) {
        const isAway = fault instanceof AdminError && fault.code === UNREACHABLE;
        if (!isAway) return this.#change(key, { state: "gone" });
        await rest();
        await this.#connected();
      }
    }
  }

  async #connected(): Promise<void> {
    const { link } = this.#admin.live;
    const isLive = () => link.read().state === "live";
    if (isLive()) return;
    await new Promise<void>((done) => {
      const stop = link.subscribe(() => {
        if (!isLive()) return;
        stop();
        done();
      });
    });
  }

  #add(by: string, subject: Subject): Look {
    this.#last += 1;
    const look: Look = {
      key: this.#last,
      by,
      subject,
      id: null,
      report: null,
      state: "running",
      fault: null,
      heard: now(),
      ended: null,
    };
    this.all.update((all) => [...all, look].slice(-KEPT));
    return look;
  }

  #change(key: number, part: Partial<Look>): void {
    this.all.update((all) =>
      all.map((look) => (look.key === key ? { ...look, ...part, heard: now() } : look)),
    );
  }
}

/** A look at this provider is the same whether its name was typed or not; that by a peer is another. */
function isOf({ subject: of, report }: Look, subject: Subject): boolean {
  switch (subject.kind) {
    case "provider":
      return (
        (of.kind === "provider" && of.typed === subject.typed) ||
        (report?.provider === subject.typed && report.seen_by === null)
      );
    case "own":
      return of.kind === "own" || (report?.is_own === true && report.seen_by === null);
    case "look-back":
      return of.kind === "look-back" && of.peer === subject.peer;
  }
}

function isFresh({ state, ended }: Look): boolean {
  return state === "running" || (state === "done" && ended !== null && now() - ended < FRESH_MS);
}
