/** What conversations are called and what is said in them besides messages. */
import type { ConversationStanding } from "@/bindings/ConversationStanding";
import type { ConversationSummary } from "@/bindings/ConversationSummary";
import type { MessagePreview } from "@/bindings/MessagePreview";
import type { MessageState } from "@/bindings/MessageState";
import type { Notice } from "@/bindings/Notice";
import { nameOf } from "@/domain/node/identifiers";
import type { Shape, Tone } from "@/shared/Mark";
import { lineText, nameText } from "@/shared/text";
import { t } from "@/text";
import { listed } from "@/text/en/many";

const words = t.conversations;
/** Characters of a sentence between messages. */
const LONGEST_NOTICE = 1_000;

/** Its name, or else who is in it. */
export function conversationTitle({ name, others, users }: ConversationSummary): string {
  return nameText(name) || words.titleOf(others.map(nameOf), Math.max(0, users - 1 - others.length));
}

/** On one line, without the marks of emphasis and code. */
export function previewText({ own, sender, text }: MessagePreview): string {
  const plain = lineText(text).replace(/(\*{1,2}|~~|`)(\S(?:.*?\S)?)\1/g, "$2");
  return own ? words.previewOwn(plain) : words.previewFrom(nameOf(sender), plain);
}

export const standingMarks: Record<ConversationStanding, { tone: Tone; shape: Shape }> = {
  live: { tone: "ok", shape: "disc" },
  joining: { tone: "wait", shape: "half" },
  left: { tone: "muted", shape: "square" },
  removed: { tone: "muted", shape: "cross" },
  broken: { tone: "bad", shape: "triangle" },
};

export const stateMarks: Record<MessageState, { tone: Tone; shape: Shape }> = {
  sending: { tone: "muted", shape: "ring" },
  sent: { tone: "muted", shape: "half" },
  accepted: { tone: "muted", shape: "tick" },
  failed: { tone: "bad", shape: "triangle" },
};

/** What happened, as `me` reads it. */
export function noticeText(
  { kind, by, users, text }: Notice,
  me: string,
  called: (provider: string) => string,
): string {
  const who = by === null ? words.somebody : nameOf(by);
  const names = listed(users.map((user) => (user === me && user !== by ? words.youToo : nameOf(user))));
  switch (kind) {
    case "created":
      return words.notice.created(who);
    case "added":
      return words.notice.added(who, names);
    case "removed":
      return words.notice.removed(who, names);
    case "left":
      return words.notice.left(names || who);
    case "renamed":
      return words.notice.renamed(who, nameText(text ?? ""));
    case "policy":
      return text === null ? words.notice.policy(who) : words.notice.refused(lineText(text, LONGEST_NOTICE));
    case "went-back":
      return text ?? words.notice.wentBack;
    case "sent-before":
      return words.notice.sentBefore;
    case "forked":
      return words.notice.forked;
    case "read-back":
      return words.notice.readBack(text === null ? words.somebody : called(text));
    case "gap":
      return text === null ? words.notice.gap : lineText(text, LONGEST_NOTICE);
  }
}
