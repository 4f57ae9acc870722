/** Other machines in memory, for tests only, each with a node: what the shell of the window keeps and finds. */
import type { Machine } from "@/bindings/Machine";
import type { MachineFault } from "@/bindings/MachineFault";
import type { MachineMet } from "@/bindings/MachineMet";
import type { Machines } from "@/bindings/Machines";
import { AdminError, type Elsewhere } from "@/platform";
import { at, TestNode } from "./node";

export const FINGERPRINT = `4f:${"0a:".repeat(30)}c2`;
export const OTHER_FINGERPRINT = `9e:${"1b:".repeat(30)}d3`;
export const LINK = "https://nas.example:9103/#token=right";

/** A machine that is heard. */
export function machine(over: Partial<Machine> = {}): Machine {
  return {
    id: "nas",
    origin: "https://nas.example:9103",
    fingerprint: FINGERPRINT,
    provider: "home.example",
    version: "0.1.0",
    understood: true,
    kept: "keychain",
    standing: { state: "live" },
    waiting: 0,
    ...over,
  };
}

/** Why a machine cannot be used. */
export function fault(over: Partial<MachineFault> = {}): MachineFault {
  return {
    step: "connect",
    code: "connection-refused",
    detail: "no connection to it: Connection refused",
    certificate: null,
    ...over,
  };
}

/** As the window is told of it. */
export function asRefused(why: MachineFault): AdminError {
  return new AdminError(why.step === "session" ? "session-ended" : "unreachable", why.detail, why);
}

/** What the shell keeps: this computer's own node is asked for the others. */
export class TestMachines implements Elsewhere {
  readonly here: TestNode;
  readonly nodes = new Map<string, TestNode>();
  readonly told: unknown[][] = [];
  list: Machines = { machines: [], shown: null, version: "0.1.0", unreadable: null };
  /** What is found where a link leads to. */
  met: MachineMet = {
    origin: "https://nas.example:9103",
    fingerprint: FINGERPRINT,
    vouched: false,
    confirmed: false,
  };
  kept: Machine["kept"] = "keychain";
  ended = true;
  #tell: ((machines: Machines) => void) | null = null;

  constructor(here = new TestNode()) {
    this.here = here;
    here.elsewhere = this;
  }

  /** Keeps a machine, whose node is returned. */
  keep(kept: Machine = machine()): TestNode {
    const node = new TestNode();
    node.machine = kept.id;
    node.elsewhere = this;
    node.mode = "own";
    node.provider = kept.provider ?? "home.example";
    this.nodes.set(kept.id, node);
    this.change({ machines: [...this.list.machines.filter(({ id }) => id !== kept.id), kept] });
    return node;
  }

  change(over: Partial<Machines>): void {
    this.list = { ...this.list, ...over };
    this.#tell?.(this.list);
  }

  /** The machine is not heard any more, and neither are its pages. */
  lose(id: string, why: MachineFault): void {
    const machines = this.list.machines.map((each) =>
      each.id === id
        ? { ...each, standing: { state: "failing" as const, since: at(-90_000), fault: why } }
        : each,
    );
    this.change({ machines });
    this.nodes.get(id)?.lose(asRefused(why));
  }

  follow(told: (machines: Machines) => void): () => void {
    this.#tell = told;
    queueMicrotask(() => told(this.list));
    return () => {
      this.#tell = null;
    };
  }

  async look(link: string): Promise<MachineMet> {
    this.told.push(["look", link]);
    if (!link.includes("#token=")) throw new AdminError("link-without-token", "this is no whole link");
    return this.met;
  }

  async add(link: string, confirmed: string | null, replaces: string | null) {
    this.told.push(["add", link, confirmed, replaces]);
    if (!link.endsWith("right")) throw new AdminError("token-used", "this link was used before");
    const id = replaces ?? "nas";
    const node = this.nodes.get(id) ?? this.keep(machine({ id, kept: this.kept }));
    node.heal();
    return { id, kept: this.kept };
  }

  async show(id: string | null): Promise<void> {
    this.told.push(["show", id]);
    this.change({ shown: id });
  }

  async trust(id: string, fingerprint: string): Promise<void> {
    this.told.push(["trust", id, fingerprint]);
    this.nodes.get(id)?.heal();
  }

  async retry(id: string): Promise<void> {
    this.told.push(["retry", id]);
  }

  async forget(id: string) {
    this.told.push(["forget", id]);
    this.change({
      machines: this.list.machines.filter((each) => each.id !== id),
      ...(this.list.shown === id ? { shown: null } : {}),
    });
    return { ended: this.ended };
  }

  at(id: string | null): TestNode {
    return (id === null ? this.here : this.nodes.get(id)) ?? this.here;
  }
}
