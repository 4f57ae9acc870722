import type { Message } from "@/bindings/Message";
import { useMe } from "@/domain/conversation/me";
import { nameOf } from "@/domain/node/identifiers";
import { cx } from "@/shared/class";
import { count } from "@/shared/format";
import { nameText } from "@/shared/text";
import { t } from "@/text";

/** Who reacted how; pressing one joins in, or takes one's own back. */
export function Reactions({
  message,
  onReact,
}: {
  message: Message;
  onReact: (message: Message, emoji: string, on: boolean) => void;
}) {
  const me = useMe();
  if (message.reactions.length === 0 || message.deleted) return null;
  return (
    <div className="mt-0.5 flex flex-wrap gap-1">
      {message.reactions.map(({ emoji, users }) => {
        // Others may give any short text for a sign.
        const sign = nameText(emoji) || t.conversations.unseenSign;
        const mine = users.includes(me);
        const names = users.map((uri) => (uri === me ? t.conversations.you : nameOf(uri))).join(", ");
        return (
          <button
            key={emoji}
            type="button"
            aria-pressed={mine}
            aria-label={t.conversations.reactionBy(sign, users.length, names)}
            title={names}
            className={cx(
              "inline-flex h-6 items-center gap-1 rounded-full border px-1.5 text-sm",
              mine ? "border-accent bg-accent-soft" : "border-line-strong bg-surface hover:bg-hover",
            )}
            onClick={() => onReact(message, emoji, !mine)}
          >
            {sign} <span className="text-xs text-muted">{count(users.length)}</span>
          </button>
        );
      })}
    </div>
  );
}
