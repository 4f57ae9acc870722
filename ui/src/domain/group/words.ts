/** How a group stands, in a word, a colour and a shape; and what it is called. */
import type { GroupStanding } from "@/bindings/GroupStanding";
import type { GroupSummary } from "@/bindings/GroupSummary";
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

/** The one word for a group: one that goes on is not told as well while its owner, who alone numbers its events, is away. */
export function groupWord(group: Pick<GroupSummary, "standing" | "owner_away_since">): {
  tone: Tone;
  shape: Shape;
  rank: number;
  text: string;
  hint: string;
} {
  if (group.owner_away_since !== null) {
    return { tone: "warn", shape: "half", rank: 1, text: t.groups.ownerAway, hint: t.groups.ownerAwayHint };
  }
  const { standing } = group;
  return {
    ...standingMarks[standing],
    text: t.groups.standing[standing],
    hint: t.groups.standingHint[standing],
  };
}
