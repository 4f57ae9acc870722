/** How a group stands, in a word, a colour and a shape; and what it is called. */
import type { GroupStanding } from "@/bindings/GroupStanding";
import type { GroupSummary } from "@/bindings/GroupSummary";
import type { Peer } from "@/bindings/Peer";
import type { PeerStandingCode } from "@/bindings/PeerStandingCode";
import { groupOf } from "@/domain/node/identifiers";
import type { Shape, Tone } from "@/shared/Mark";
import { nameText } from "@/shared/text";
import { t } from "@/text";

const standingMarks: Record<GroupStanding, { tone: Tone; shape: Shape; rank: number }> = {
  broken: { tone: "bad", shape: "triangle", rank: 0 },
  joining: { tone: "wait", shape: "half", rank: 1 },
  live: { tone: "ok", shape: "disc", rank: 2 },
  over: { tone: "muted", shape: "square", rank: 3 },
};

/** What its members call it, or else the name in its address. */
export function groupTitle(group: Pick<GroupSummary, "group" | "name">): string {
  return nameText(group.name) || (groupOf(group.group)?.name ?? group.group);
}

interface GroupWord {
  tone: Tone;
  shape: Shape;
  rank: number;
  text: string;
  hint: string;
}

/** How it stands where nothing is exchanged with its owner, by a decision there or here. */
const shutMarks: Partial<Record<PeerStandingCode, { tone: Tone; shape: Shape; rank: number }>> = {
  blocked: { tone: "muted", shape: "square", rank: 1 },
  "blocks-us": { tone: "bad", shape: "square", rank: 1 },
  "key-changed": { tone: "bad", shape: "diamond", rank: 1 },
  "waits-here": { tone: "wait", shape: "half", rank: 1 },
  unmet: { tone: "muted", shape: "ring", rank: 1 },
  "waits-there": { tone: "wait", shape: "half", rank: 1 },
  paused: { tone: "muted", shape: "bars", rank: 1 },
};

/**
 * The one word for a group: one that goes on is not told as well while nothing comes from its owner, who alone numbers its
 * events. `owner`: as a peer; none where this provider owns it.
 */
export function groupWord(
  group: Pick<GroupSummary, "standing" | "owner_let_go" | "owner_away_since">,
  owner?: Peer | undefined,
): GroupWord {
  const { standing } = group;
  if (group.owner_let_go)
    return {
      tone: "muted",
      shape: "ring",
      rank: 1,
      text: t.groups.ownerLetGo,
      hint: t.groups.ownerLetGoHint,
    };
  const code = owner?.standing.code;
  const goesOn = standing === "live" || standing === "joining";
  const mark = goesOn && code !== undefined ? shutMarks[code] : undefined;
  if (owner !== undefined && code !== undefined && mark !== undefined)
    return { ...mark, text: t.groups.shut[code] ?? t.groups.ownerAway, hint: owner.standing.text };
  if (group.owner_away_since !== null || (goesOn && code === "failing")) {
    return { tone: "warn", shape: "half", rank: 1, text: t.groups.ownerAway, hint: t.groups.ownerAwayHint };
  }
  return {
    ...standingMarks[standing],
    text: t.groups.standing[standing],
    hint: t.groups.standingHint[standing],
  };
}

/** Why nothing of it comes or goes, or only one of the two, where that is somebody's decision; null else. */
export function shutReason(
  group: Pick<GroupSummary, "standing" | "owner" | "owner_let_go">,
  owner: Peer | undefined,
  called: (provider: string) => string,
): string | null {
  if (group.owner_let_go) return t.groups.letGoWhy(called(group.owner));
  if (owner === undefined || (group.standing !== "live" && group.standing !== "joining")) return null;
  return t.groups.shutWhy[owner.standing.code]?.(called(owner.provider)) ?? null;
}
