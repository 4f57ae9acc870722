/**
 * The seam between this GUI and where it runs. Everything above knows only this interface; `desktop.ts`
 * and `browser.ts` are its two versions, and `index.ts` picks one, once.
 */
import type { Commands } from "@/bindings/Commands";
import type { EventEnvelope } from "@/bindings/EventEnvelope";
import type { MachineAdded } from "@/bindings/MachineAdded";
import type { MachineFault } from "@/bindings/MachineFault";
import type { MachineForgotten } from "@/bindings/MachineForgotten";
import type { MachineMet } from "@/bindings/MachineMet";
import type { Machines } from "@/bindings/Machines";

export type Command = keyof Commands;
export type RequestOf<C extends Command> = Commands[C]["request"];
export type ResponseOf<C extends Command> = Commands[C]["response"];

/** Why a command was not carried out, as the node says it, or `unreachable` where there is no node to say. */
export class AdminError extends Error {
  override readonly name = "AdminError";
  constructor(
    readonly code: string,
    readonly detail: string,
    /** At which step the node's machine could not be used, where it is another one. */
    readonly fault: MachineFault | null = null,
  ) {
    super(detail);
  }
}

/** The node could not be reached, or answered nothing that can be read. */
export const UNREACHABLE = "unreachable";

/** Whether there is no session with the node: there never was one, or that one has ended. */
export function isLocked(fault: AdminError): boolean {
  return fault.code === "token-required" || fault.code === "session-ended";
}

export interface EventSink {
  /** The stream is open: what has been missed before is to be read again. */
  opened(): void;
  event(envelope: EventEnvelope): void;
  /** The stream is gone and is being opened again, without help; why, where that is known. */
  lost(why?: AdminError): void;
  /** The stream was refused because there is no session, and why. */
  locked(why: AdminError): void;
}

/** How a browser gets its session. */
export interface Entrance {
  /** Exchanges the token of the link for a session; rejects with an `AdminError`. */
  enter(token: string): Promise<void>;
  /** Why the token of this page's address was not taken, where it was not. */
  readonly refused: AdminError | null;
}

/** The session that this GUI has with the node. */
export interface Session {
  /** Which of the node's sessions is this one. */
  current(): Promise<string>;
  /** Where the pages of the node are opened. */
  readonly origin: string;
}

/** The providers on other machines that the window can show in the place of this computer's own. Each call rejects with an `AdminError`. */
export interface Elsewhere {
  /** Tells of all machines that are kept, at once and whenever something of them changes, until the returned function is called. */
  follow(told: (machines: Machines) => void): () => void;
  /** What is found where a link leads to; the link is not used. */
  look(link: string): Promise<MachineMet>;
  /** Adds the machine of the link, with the fingerprint that the person has confirmed; in the place of another one. */
  add(link: string, confirmed: string | null, replaces: string | null): Promise<MachineAdded>;
  /** Has the window show that machine when it is opened next; this computer's own provider without one. */
  show(id: string | null): Promise<void>;
  /** Takes the certificate with that fingerprint for the machine's from now on. */
  trust(id: string, fingerprint: string): Promise<void>;
  /** Tries the machine now, where it is not heard. */
  retry(id: string): Promise<void>;
  forget(id: string): Promise<MachineForgotten>;
  /** The platform for the provider on that machine; for this computer's own without one. */
  at(id: string | null, origin: string): Platform;
}

export interface Platform {
  readonly kind: "desktop" | "browser";
  /** The machine that the node is on, where the window shows the provider of another one. */
  readonly machine: string | null;
  /** Only in the window. */
  readonly elsewhere: Elsewhere | null;
  /** Carries out a command; rejects with an `AdminError` and nothing else. */
  call<C extends Command>(command: C, request: RequestOf<C>): Promise<ResponseOf<C>>;
  /** Opens the stream of events and keeps it open until the returned function is called. */
  subscribe(sink: EventSink): () => void;
  /** Only where a token is needed. */
  readonly entrance: Entrance | null;
  /** Only where the node lets in by sessions. */
  readonly session: Session | null;
  /** Only where a file can be handed to the person. */
  readonly save: ((name: string, content: string) => void) | null;
  /** Only where a browser can take what the node hands over at `path`, as it comes, into a file of its own. */
  readonly download: ((path: string) => void) | null;
}
