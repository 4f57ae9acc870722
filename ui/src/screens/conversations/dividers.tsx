/** What stands between messages. */
import type { Message } from "@/bindings/Message";
import type { Notice } from "@/bindings/Notice";
import { useMe } from "@/domain/conversation/me";
import { noticeText } from "@/domain/conversation/words";
import { useCalled } from "@/domain/demo/Alias";
import { exact, longDay, shortTime } from "@/shared/format";
import { t } from "@/text";

export function Day({ at }: { at: string }) {
  return (
    <p className="flex items-center gap-3 px-4 py-2 text-sm font-medium text-muted before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">
      <time dateTime={at}>{longDay(at)}</time>
    </p>
  );
}

export function UnreadLine() {
  return (
    <p className="flex items-center gap-3 px-4 py-1 text-sm font-semibold text-accent before:h-px before:flex-1 before:bg-accent after:h-px after:flex-1 after:bg-accent">
      {t.conversations.unreadFrom}
    </p>
  );
}

export function NoticeRow({ message, notice }: { message: Message; notice: Notice }) {
  const me = useMe();
  const called = useCalled();
  return (
    <p
      className="px-8 py-1 text-center text-sm text-muted wrap-anywhere"
      data-testid={`notice-${message.id}`}
    >
      {noticeText(notice, me, called)}{" "}
      <time dateTime={message.time} title={exact(message.time)} className="whitespace-nowrap">
        · {shortTime(message.time)}
      </time>
    </p>
  );
}
