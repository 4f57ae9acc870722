/** How federation with a peer goes, in a word, a colour and a shape; and what to do where it does not. */
import type { Peer } from "@/bindings/Peer";
import type { PeerStandingCode } from "@/bindings/PeerStandingCode";
import type { PeerState } from "@/bindings/PeerState";
import type { PullingStatus } from "@/bindings/PullingStatus";
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

/** Where those stand in the order that are well. */
export const WELL_RANK = 5;

const words = t.peers.word;

/** The short word for each judgement of the node; nothing is judged a second time here. */
const codeWords: Record<PeerStandingCode, Omit<Word, "hint">> = {
  "key-changed": { tone: "bad", shape: "diamond", text: words.keyChanged, rank: 0 },
  failing: { tone: "bad", shape: "triangle", text: words.failing, rank: 1 },
  "waits-here": { tone: "wait", shape: "half", text: words.waitsForYou, rank: 2 },
  "blocks-us": { tone: "bad", shape: "square", text: words.blocksUs, rank: 3 },
  "waits-there": { tone: "wait", shape: "half", text: words.waitsForThem, rank: 4 },
  refused: { tone: "warn", shape: "triangle", text: words.refused, rank: 4 },
  "not-fetched": { tone: "warn", shape: "triangle", text: words.notFetched, rank: 4 },
  troubled: { tone: "warn", shape: "triangle", text: words.troubled, rank: 4 },
  "not-pulled": { tone: "warn", shape: "triangle", text: words.notFetched, rank: 4 },
  well: { tone: "ok", shape: "disc", text: words.well, rank: WELL_RANK },
  quiet: { tone: "muted", shape: "ring", text: words.quiet, rank: 6 },
  paused: { tone: "muted", shape: "bars", text: words.paused, rank: 7 },
  blocked: { tone: "muted", shape: "square", text: words.blocked, rank: 8 },
  unmet: { tone: "muted", shape: "ring", text: words.unmet, rank: 9 },
};

/** The one word for a peer: that of the node's judgement, which is said in full when pointed at. */
export function peerWord(peer: Peer): Word {
  const { code, text } = peer.standing;
  const word = { ...codeWords[code], hint: text };
  const trouble = currentTrouble(peer);
  if (trouble === undefined) return word;
  return code === "failing" ? { ...word, text: ofTrouble(words, trouble) } : word;
}

/** The words for a trouble: those for its code, where its stage alone would blame the wrong side. */
function ofTrouble(
  words: { code: Partial<Record<string, string>>; stage: Record<Trouble["stage"], string> },
  trouble: Trouble,
): string {
  return words.code[trouble.code] ?? words.stage[trouble.stage];
}

/** The newest trouble that goes on. */
export function currentTrouble(peer: Peer): Trouble | undefined {
  return peer.troubles.find((trouble) => !trouble.over);
}

/** Why nothing gets to it at the moment; null where nothing is known against it. */
export function whyNotReached(peer: Peer | undefined, reason: Reasons = t.peers.reason): string | null {
  if (peer === undefined) return null;
  const { code } = peer.standing;
  if (code !== "failing") return reason.standing[code] ?? null;
  const trouble = currentTrouble(peer);
  return trouble === undefined ? reason.failing : ofTrouble(reason, trouble);
}

/** Reasons that go with one name for the peer, such as "their provider". */
export interface Reasons {
  standing: Partial<Record<PeerStandingCode, string>>;
  failing: string;
  code: Partial<Record<string, string>>;
  stage: Record<Trouble["stage"], string>;
}

/** What to do; `isOwn`: about this provider itself, for which there are texts of its own. */
export function remedy(trouble: Pick<Trouble, "code" | "stage">, isOwn = false): string {
  const own = isOwn ? t.remedy.own[trouble.code] : undefined;
  return own ?? t.remedy.code[trouble.code] ?? t.remedy.stage[trouble.stage];
}

/** A direction in a word; the short word for the whole peer stands elsewhere. */
export interface DirectionWord {
  tone: Tone;
  shape: Shape;
  text: string;
  hint?: string;
}

/** No direction is shown as well beside a sentence that says that something is wrong: what goes on there is told plainly. */
function besideJudgement(peer: Peer, word: DirectionWord): DirectionWord {
  const isSound = !UNSOUND.has(peer.standing.code) && currentTrouble(peer) === undefined;
  return word.tone !== "ok" || isSound ? word : { ...word, tone: "muted", shape: "half" };
}

const UNSOUND: ReadonlySet<PeerStandingCode> = new Set([
  "key-changed",
  "blocked",
  "blocks-us",
  "failing",
  "refused",
  "not-fetched",
  "troubled",
  "not-pulled",
]);

export function pullingWord(peer: Peer): DirectionWord {
  const { status } = peer.pulling;
  // A try that is under way is one more try until it is answered.
  const isTrying = peer.standing.code === "failing" && (status === "asking" || status === "waiting");
  const shown = isTrying ? "backing-off" : status;
  return besideJudgement(peer, {
    ...pullingMark(shown, peer.state),
    text: t.peers.pulling[shown],
    hint: t.peers.pullingHint[shown],
  });
}

function pullingMark(status: PullingStatus, state: PeerState): { tone: Tone; shape: Shape } {
  switch (status) {
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
      return { tone: state === "blocked" ? "muted" : "bad", shape: "square" };
    case "idle":
      return { tone: "muted", shape: "ring" };
  }
}

export function servingWord(peer: Peer): DirectionWord {
  const { waiting, gone_since, last_pull, lag_ms } = peer.serving;
  const { serving } = t.peers;
  if (waiting && peer.state === "pending")
    return { tone: "wait", shape: "half", text: serving.introducing, hint: serving.introducingHint };
  if (waiting)
    return besideJudgement(peer, {
      tone: "ok",
      shape: "disc",
      text: serving.waiting,
      hint: serving.waitingHint,
    });
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
  return besideJudgement(peer, { tone: "ok", shape: "disc", text: serving.between });
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
