/**
 * The seam between this GUI and where it runs. Everything above knows only this interface; `desktop.ts`
 * and `browser.ts` are its two versions, and `index.ts` picks one, once.
 */
import type { Commands } from "@/bindings/Commands";
import type { EventEnvelope } from "@/bindings/EventEnvelope";

export type Command = keyof Commands;
export type RequestOf<C extends Command> = Commands[C]["request"];
export type ResponseOf<C extends Command> = Commands[C]["response"];

/** Why a command was not carried out, as the node says it, or `unreachable` where there is no node to say. */
export class AdminError extends Error {
  override readonly name = "AdminError";
  constructor(
    readonly code: string,
    readonly detail: string,
  ) {
    super(detail);
  }
}

/** The node could not be reached, or answered nothing that can be read. */
export const UNREACHABLE = "unreachable";

/** Whether the browser has no session with the node: it never had one, or that one has ended. */
export function isLocked(fault: AdminError): boolean {
  return fault.code === "token-required" || fault.code === "session-ended";
}

export interface EventSink {
  /** The stream is open: what has been missed before is to be read again. */
  opened(): void;
  event(envelope: EventEnvelope): void;
  /** The stream is gone and is being opened again, without help. */
  lost(): void;
  /** The stream was refused because there is no session, and why. */
  locked(why: AdminError): void;
}

/** How a browser gets its session. */
export interface Session {
  /** Exchanges the token of the link for a session; rejects with an `AdminError`. */
  enter(token: string): Promise<void>;
  /** Why the token of this page's address was not taken, where it was not. */
  readonly refused: AdminError | null;
  /** Which of the node's sessions is this browser's. */
  current(): Promise<string>;
}

export interface Platform {
  readonly kind: "desktop" | "browser";
  /** Carries out a command; rejects with an `AdminError` and nothing else. */
  call<C extends Command>(command: C, request: RequestOf<C>): Promise<ResponseOf<C>>;
  /** Opens the stream of events and keeps it open until the returned function is called. */
  subscribe(sink: EventSink): () => void;
  /** Only where a token is needed. */
  readonly session: Session | null;
  /** Only where a file can be handed to the person. */
  readonly save: ((name: string, content: string) => void) | null;
  /** Only where a browser can take what the node hands over at `path`, as it comes, into a file of its own. */
  readonly download: ((path: string) => void) | null;
}
