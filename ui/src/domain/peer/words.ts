/** How federation with a peer goes, in a word, a colour and a shape; and what to do where it does not. */
import type { Peer } from "@/bindings/Peer";
import type { PeerState } from "@/bindings/PeerState";
import type { Trouble } from "@/bindings/Trouble";
import type { Shape, Tone } from "@/shared/Mark";
import { t } from "@/text";

export interface Word {
  tone: Tone;
  shape: Shape;
  text: string;
  hint?: string;
  /** For sorting: what wants a look comes first. */
  rank: number;
}

const words = t.peers.word;

/** The one word for a peer, from both sides' judgements and both directions. */
export function peerWord(peer: Peer): Word {
  switch (peer.state) {
    case "key-changed":
      return { tone: "bad", shape: "diamond", text: words.keyChanged, rank: 0 };
    case "pending":
      return { tone: "wait", shape: "half", text: words.waitsForYou, rank: 2 };
    case "blocked":
      return { tone: "muted", shape: "square", text: words.blocked, rank: 8 };
    case "unknown":
      return { tone: "muted", shape: "ring", text: words.unknown, rank: 9 };
    case "allowed":
      return allowedWord(peer);
  }
}

function allowedWord(peer: Peer): Word {
  const { pulling } = peer;
  if (peer.their_state === "blocked") return { tone: "bad", shape: "square", text: words.blocksUs, rank: 3 };
  if (pulling.status === "paused") return { tone: "muted", shape: "bars", text: words.paused, rank: 7 };
  if (pulling.status === "backing-off" || pulling.failures > 0) {
    const trouble = currentTrouble(peer);
    const text = trouble === undefined ? words.failing : ofTrouble(words, trouble);
    return { tone: "bad", shape: "triangle", text, rank: 1 };
  }
  if (pulling.status === "introducing" || peer.their_state === "pending") {
    return { tone: "wait", shape: "half", text: words.waitsForThem, rank: 4 };
  }
  if (pulling.status === "stopped") return { tone: "bad", shape: "square", text: words.stopped, rank: 3 };
  if ((peer.serving.lag_ms ?? 0) > STRAINED_MS && !peer.serving.waiting) {
    return { tone: "warn", shape: "triangle", text: words.strained, rank: 4 };
  }
  if (pulling.status === "idle")
    return { tone: "muted", shape: "ring", text: words.quiet, hint: words.quietHint, rank: 6 };
  return { tone: "ok", shape: "disc", text: words.well, rank: 5 };
}

/** The words for a trouble: those for its code, where its stage alone would blame the wrong side. */
function ofTrouble(
  words: { code: Partial<Record<string, string>>; stage: Record<Trouble["stage"], string> },
  trouble: Trouble,
): string {
  return words.code[trouble.code] ?? words.stage[trouble.stage];
}

/** Something of ours has lain there unfetched for so long that it is worth a word. */
const STRAINED_MS = 60_000;

/** The newest trouble that goes on. */
export function currentTrouble(peer: Peer): Trouble | undefined {
  return peer.troubles.find((trouble) => !trouble.over);
}

/** Why nothing gets to it at the moment; null where nothing is known against it. */
export function whyNotReached(peer: Peer | undefined): string | null {
  if (peer === undefined) return null;
  const { reason } = t.peers;
  if (peer.state === "blocked") return reason.blocked;
  if (peer.state === "key-changed") return reason.keyChanged;
  if (peer.their_state === "blocked") return reason.blocksUs;
  if (peer.pulling.status === "introducing" || peer.their_state === "pending") return reason.waitsForThem;
  if (peer.pulling.failures === 0 && peer.pulling.status !== "backing-off") return null;
  const trouble = currentTrouble(peer);
  return trouble === undefined ? reason.failing : ofTrouble(reason, trouble);
}

/** What to do; `isOwn`: about this provider itself, for which there are texts of its own. */
export function remedy(trouble: Pick<Trouble, "code" | "stage">, isOwn = false): string {
  const own = isOwn ? t.remedy.own[trouble.code] : undefined;
  return own ?? t.remedy.code[trouble.code] ?? t.remedy.stage[trouble.stage];
}

export function pullingMark(peer: Peer): { tone: Tone; shape: Shape } {
  switch (peer.pulling.status) {
    case "waiting":
    case "asking":
      return { tone: "ok", shape: "disc" };
    case "introducing":
      return { tone: "wait", shape: "half" };
    case "backing-off":
      return { tone: "bad", shape: "triangle" };
    case "paused":
      return { tone: "muted", shape: "bars" };
    case "stopped":
      // What the operator wanted so is no cause for alarm.
      return { tone: peer.state === "blocked" ? "muted" : "bad", shape: "square" };
    case "idle":
      return { tone: "muted", shape: "ring" };
  }
}

export interface ServingWord {
  tone: Tone;
  shape: Shape;
  text: string;
  hint?: string;
}

export function servingWord(peer: Peer): ServingWord {
  const { waiting, gone_since, last_pull, lag_ms } = peer.serving;
  const { serving } = t.peers;
  if (waiting && peer.state === "pending")
    return { tone: "wait", shape: "half", text: serving.introducing, hint: serving.introducingHint };
  if (waiting) return { tone: "ok", shape: "disc", text: serving.waiting, hint: serving.waitingHint };
  if (gone_since !== null) {
    const tone = (lag_ms ?? 0) > 0 ? "warn" : "muted";
    return {
      tone,
      shape: tone === "warn" ? "triangle" : "ring",
      text: serving.gone,
      hint: serving.goneHint,
    };
  }
  if (last_pull === null) return { tone: "muted", shape: "ring", text: serving.never };
  return { tone: "ok", shape: "disc", text: serving.between };
}

export function judgementMark(state: PeerState): { tone: Tone; shape: Shape } {
  switch (state) {
    case "allowed":
      return { tone: "ok", shape: "tick" };
    case "pending":
      return { tone: "wait", shape: "half" };
    case "blocked":
      return { tone: "bad", shape: "square" };
    case "key-changed":
      return { tone: "bad", shape: "diamond" };
    case "unknown":
      return { tone: "muted", shape: "ring" };
  }
}

/** Items that the other side has not fetched yet, for each direction. */
export function lag(peer: Peer): { theirs: number; ours: number; oursMs: number | null } {
  return {
    theirs: Math.max(0, peer.pulling.head - peer.pulling.cursor),
    ours: Math.max(0, peer.serving.head - peer.serving.acknowledged),
    oursMs: peer.serving.lag_ms,
  };
}
