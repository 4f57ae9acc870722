import { CornerUpLeft, EllipsisVertical, Paperclip, SmilePlus } from "lucide-react";
import { Popover } from "radix-ui";
import type { Message } from "@/bindings/Message";
import { stateMarks } from "@/domain/conversation/words";
import { useCalled } from "@/domain/demo/Alias";
import { useNode } from "@/domain/node/hooks";
import { nameOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { Button, IconButton } from "@/shared/Button";
import { cx } from "@/shared/class";
import { bytes, exact, shortTime } from "@/shared/format";
import { copyText } from "@/shared/hooks";
import { LongText } from "@/shared/LongText";
import { Mark } from "@/shared/Mark";
import { Menu, type MenuItem } from "@/shared/Menu";
import { isBlank, lineText } from "@/shared/text";
import { toast } from "@/shared/toast";
import { t } from "@/text";
import { Reactions } from "./Reactions";

export interface MessageActions {
  onReply: (message: Message) => void;
  onEdit: (message: Message) => void;
  onDelete: (message: Message) => void;
  onReact: (message: Message, emoji: string, on: boolean) => void;
  onRetry: (message: Message) => void;
  onJump: (place: number) => void;
  onTrace: (message: Message) => void;
}

/** A message: ours on the right, others' on the left, and how far it is in a word and a shape. */
export function MessageRow({
  message,
  follows,
  isLastOwn,
  current,
  found,
  stuck,
  onCurrent,
  ...actions
}: MessageActions & {
  message: Message;
  follows: boolean;
  /** No later one is ours: its state is said even where all is well. */
  isLastOwn: boolean;
  /** The keyboard is on it. */
  current: boolean;
  /** It is the one that was searched for. */
  found: boolean;
  /** Why nothing gets to the provider that keeps the group. */
  stuck: string | null;
  onCurrent: () => void;
}) {
  const us = useNode()?.provider;
  const { own, deleted, state } = message;
  const who = own ? t.conversations.you : nameOf(message.sender);
  const canAct = !deleted && (state === "accepted" || state === "sent");
  return (
    <article
      id={`message ${message.id}`}
      tabIndex={current ? 0 : -1}
      aria-label={t.conversations.messageOf(who, shortTime(message.time))}
      data-testid={`message-${message.id}`}
      data-state={own ? state : undefined}
      className={cx(
        "group/message flex px-4 -outline-offset-2 max-sm:px-2",
        follows ? "pt-0.5" : "pt-2",
        own && "flex-row-reverse",
      )}
      onFocus={onCurrent}
      onKeyDown={(event) => {
        if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || !canAct) return;
        const act =
          event.key === "r"
            ? actions.onReply
            : own && event.key === "e"
              ? actions.onEdit
              : own && event.key === "Delete"
                ? actions.onDelete
                : null;
        if (act === null) return;
        event.preventDefault();
        event.stopPropagation();
        act(message);
      }}
    >
      <div className={cx("flex max-w-[85%] min-w-0 flex-col", own ? "items-end" : "items-start")}>
        {!follows && (
          <p className="flex items-baseline gap-2 px-1 text-sm text-muted">
            {own ? (
              <span className="font-semibold text-ink">{who}</span>
            ) : (
              <PersonName uri={message.sender} us={us} />
            )}
            <Time message={message} />
          </p>
        )}
        <div className={cx("flex max-w-full items-start gap-1", own && "flex-row-reverse")}>
          <div
            className={cx(
              "min-w-0 overflow-hidden rounded-lg border px-2.5 py-1.5 select-text",
              own ? "border-accent/25 bg-accent-soft" : "border-line bg-surface",
              state === "failed" && "border-bad/50",
              found && "outline-2 outline-accent",
            )}
          >
            <Body message={message} onJump={actions.onJump} />
          </div>
          <Toolbar message={message} who={who} current={current} canAct={canAct} {...actions} />
        </div>
        <Reactions message={message} onReact={actions.onReact} />
        {message.unproved !== null && <Unproved from={message.unproved} current={current} />}
        <Progress
          message={message}
          follows={follows}
          isLastOwn={isLastOwn}
          stuck={stuck}
          onRetry={actions.onRetry}
        />
      </div>
    </article>
  );
}

function Time({ message }: { message: Message }) {
  return (
    <time dateTime={message.time} title={exact(message.time)} className="text-xs whitespace-nowrap">
      {shortTime(message.time)}
      {message.edited && !message.deleted && ` · ${t.conversations.edited}`}
    </time>
  );
}

function Body({ message, onJump }: { message: Message; onJump: (place: number) => void }) {
  if (message.deleted) return <p className="text-muted italic">{t.conversations.deleted}</p>;
  const quote = message.in_reply_to;
  const isEmpty = isBlank(message.text);
  return (
    <>
      {quote !== null &&
        (quote.found === null ? (
          <p className="mb-1 border-l-2 border-line-strong pl-2 text-sm text-muted">
            {t.conversations.quoteGone}
          </p>
        ) : (
          <Quoted {...quote.found} onJump={onJump} />
        ))}
      {!isEmpty && <LongText text={message.text} markdown={message.format === "markdown"} />}
      {message.unshown.map((part, index) => (
        <p
          // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place.
          key={index}
          className="flex items-center gap-1.5 text-sm text-muted"
        >
          <Paperclip className="size-3.5 shrink-0" aria-hidden="true" />
          {t.conversations.unshown(part.content_type, bytes(part.bytes))}
        </p>
      ))}
      {isEmpty && message.unshown.length === 0 && (
        <p className="text-muted italic">{t.conversations.emptyMessage}</p>
      )}
    </>
  );
}

function Quoted({
  place,
  sender,
  text,
  onJump,
}: {
  place: number;
  sender: string;
  text: string;
  onJump: (place: number) => void;
}) {
  return (
    <button
      type="button"
      title={t.conversations.jumpTo}
      className="mb-1 block max-w-full rounded-sm border-l-2 border-accent pl-2 text-left text-sm text-muted hover:text-ink"
      onClick={() => onJump(place)}
    >
      <span className="font-medium">{nameOf(sender)}</span>
      <bdi className="line-clamp-2 wrap-anywhere">{lineText(text)}</bdi>
    </button>
  );
}

/** That nothing proves that it was sent like this, and why, for those who point at it and those who cannot. */
function Unproved({ from, current }: { from: string; current: boolean }) {
  const why = t.conversations.unprovedWhy(useCalled()(from));
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button
          type="button"
          title={why}
          tabIndex={current ? 0 : -1}
          className="inline-flex min-h-6 items-center gap-1 rounded-md px-1 text-xs font-medium text-warn hover:bg-hover"
          data-testid="unproved"
        >
          <Mark tone="warn" shape="diamond" className="size-2.5" />
          {t.conversations.unproved}
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          align="start"
          sideOffset={4}
          collisionPadding={8}
          aria-label={t.conversations.unproved}
          className="appear z-50 max-w-80 rounded-lg border border-line-strong bg-surface px-3 py-2 text-sm wrap-anywhere shadow-pop"
        >
          {why}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

/** How far a message of ours is: a shape for each, and the word too where it is not there yet or is the latest. */
function Progress({
  message,
  follows,
  isLastOwn,
  stuck,
  onRetry,
}: {
  message: Message;
  follows: boolean;
  isLastOwn: boolean;
  stuck: string | null;
  onRetry: (message: Message) => void;
}) {
  const { own, state } = message;
  const isEdited = follows && message.edited && !message.deleted;
  if (!own && !isEdited) return null;
  const isUnderWay = state === "sending" || state === "sent";
  const isSaid = state !== "accepted" || isLastOwn;
  return (
    <p className="flex flex-wrap items-center gap-x-1.5 px-1 text-xs text-muted">
      {isEdited && <span>{t.conversations.edited}</span>}
      {own && (
        <span
          className={cx("inline-flex items-center gap-1", state === "failed" && "font-medium text-bad")}
          title={`${t.conversations.state[state]}\n${t.conversations.stateHint[state]}`}
          data-testid="message-state"
        >
          <Mark {...stateMarks[state]} className="size-2.5" />
          <span className={isSaid ? "wrap-anywhere" : "sr-only"}>
            {t.conversations.state[state]}
            {isUnderWay && stuck !== null && `: ${stuck}`}
            {message.error !== null && `: ${message.error}`}
          </span>
        </span>
      )}
      {state === "failed" && (
        <Button small onClick={() => onRetry(message)}>
          {t.conversations.retry}
        </Button>
      )}
    </p>
  );
}

function Toolbar({
  message,
  who,
  current,
  canAct,
  onReply,
  onReact,
  onEdit,
  onDelete,
  onTrace,
}: MessageActions & { message: Message; who: string; current: boolean; canAct: boolean }) {
  if (message.deleted) return null;
  const stop = { tabIndex: current ? 0 : -1, className: "size-6" };
  const items: MenuItem[] = [
    ...(message.own && canAct
      ? [
          { id: "edit", text: t.conversations.edit, run: () => onEdit(message) },
          { id: "delete", text: t.conversations.delete, danger: true, run: () => onDelete(message) },
        ]
      : []),
    {
      id: "copy",
      text: t.conversations.copyText,
      run: () => void copyText(message.text).then(() => toast(t.conversations.copied)),
    },
    ...(message.state === "accepted" || (message.own && message.state !== "failed")
      ? [{ id: "trace", text: t.trace.title, run: () => onTrace(message) }]
      : []),
  ];
  return (
    <div
      role="group"
      aria-label={t.conversations.actionsFor(who, shortTime(message.time))}
      className="flex shrink-0 items-center opacity-0 group-focus-within/message:opacity-100 group-hover/message:opacity-100 has-data-[state=open]:opacity-100 pointer-coarse:opacity-100"
    >
      {canAct && (
        <>
          <React message={message} stop={stop} onReact={onReact} />
          <IconButton {...stop} label={t.conversations.reply} onClick={() => onReply(message)}>
            <CornerUpLeft className="size-3.5" />
          </IconButton>
        </>
      )}
      <Menu
        items={items}
        trigger={
          <IconButton {...stop} label={t.app.more}>
            <EllipsisVertical className="size-3.5" />
          </IconButton>
        }
      />
    </div>
  );
}

/** A handful of signs to react with. */
function React({
  message,
  stop,
  onReact,
}: {
  message: Message;
  stop: { tabIndex: number; className: string };
  onReact: MessageActions["onReact"];
}) {
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button
          type="button"
          aria-label={t.conversations.react}
          title={t.conversations.react}
          tabIndex={stop.tabIndex}
          className="inline-flex size-6 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-ink"
        >
          <SmilePlus className="size-3.5" aria-hidden="true" />
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          sideOffset={4}
          collisionPadding={8}
          aria-label={t.conversations.react}
          className="appear z-50 flex gap-0.5 rounded-lg border border-line-strong bg-surface p-1 shadow-pop"
        >
          {t.conversations.emojis.map((emoji) => (
            <Popover.Close asChild key={emoji}>
              <button
                type="button"
                aria-label={t.conversations.reactWith(emoji)}
                className="size-8 rounded-md text-lg hover:bg-hover"
                onClick={() => onReact(message, emoji, true)}
              >
                {emoji}
              </button>
            </Popover.Close>
          ))}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
