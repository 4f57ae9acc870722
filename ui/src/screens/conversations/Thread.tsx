import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Message } from "@/bindings/Message";
import { nameOf } from "@/domain/node/identifiers";
import { Button } from "@/shared/Button";
import { Empty, Fault } from "@/shared/layout";
import { lineText } from "@/shared/text";
import { t } from "@/text";
import { Day, NoticeRow, UnreadLine } from "./dividers";
import { type MessageActions, MessageRow } from "./MessageRow";
import { type Row, rowsOf } from "./rows";

/** So near to the end one is at the end: what comes then is followed. */
const NEAR_PX = 80;
/** So near to the beginning earlier ones are fetched. */
const EARLY_PX = 500;
/** Room above the first for a word on whether there are earlier ones, or on why they could not be read. */
const HEAD_PX = 36;
const HEAD_FAULT_PX = 72;

/** What was said: only what is in view exists, and nothing that is read moves when more comes at either end. */
export function Thread({
  messages,
  more,
  target,
  readBefore,
  loading,
  fault,
  detached,
  live,
  stuck,
  onEarlier,
  onLater,
  onAgain,
  onLatest,
  onRead,
  ...actions
}: MessageActions & {
  messages: readonly Message[];
  more: boolean;
  /** The place to go to. */
  target: number | null;
  readBefore: number;
  /** What was asked for last is on its way: these are those from before. */
  loading: boolean;
  /** Why what was asked for last could not be read. */
  fault: string | null;
  /** The latest messages are not among these. */
  detached: boolean;
  live: boolean;
  /** Why nothing gets to the provider that keeps the group; null where nothing is known against it. */
  stuck: string | null;
  onEarlier: () => void;
  onLater: () => void;
  onAgain: () => void;
  onLatest: () => void;
  onRead: (place: number) => void;
}) {
  const rows = useMemo(() => rowsOf(messages, readBefore), [messages, readBefore]);
  const scroller = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState<string | null>(null);
  const [atEnd, setAtEnd] = useState(true);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (rows[index]?.kind === "message" ? 60 : 36),
    getItemKey: (index) => rows[index]?.key ?? index,
    overscan: 8,
    paddingStart: fault === null ? HEAD_PX : HEAD_FAULT_PX,
    paddingEnd: 12,
    // What is read stands still whichever end grows; at the end of an old stretch that is the end.
    anchorTo: detached && atEnd ? "start" : "end",
    followOnAppend: !detached,
    scrollEndThreshold: NEAR_PX,
    onChange: (instance) => setAtEnd(instance.isAtEnd(NEAR_PX)),
  });
  const items = virtual.getVirtualItems();
  const last = messages.at(-1);

  const wanted = target === null ? "end" : String(target);
  // At first, and when a place is asked for.
  const shown = useRef<string | null>(null);
  useEffect(() => {
    if (rows.length === 0) return;
    if (shown.current === wanted) return;
    if (target === null) {
      const unread = rows.findIndex((row) => row.kind === "unread");
      if (shown.current === null && unread !== -1) virtual.scrollToIndex(unread, { align: "start" });
      else virtual.scrollToEnd();
    } else {
      const index = rows.findIndex((row) => row.kind === "message" && row.message.place >= target);
      // The stretch that holds it is still on its way.
      if (index === -1 || (more && (messages[0]?.place ?? 0) > target)) return;
      virtual.scrollToIndex(index, { align: "center" });
      const row = rows[index];
      if (row?.kind === "message") setCurrent(row.message.id);
    }
    shown.current = wanted;
  }, [rows, messages, more, target, wanted, virtual]);

  // The stretch may slide by one rather than grow, which is no append to the virtualizer.
  const stood = useRef(true);
  const newest = rows.at(-1)?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is new at the end is followed.
  useEffect(() => {
    if (stood.current && !detached && shown.current === "end") virtual.scrollToEnd();
  }, [newest]);

  /** Asks for more where one is near an end that goes on. */
  const askForMore = () => {
    const element = scroller.current;
    if (element === null || loading || fault !== null || shown.current !== wanted) return;
    if (more && element.scrollTop < EARLY_PX) onEarlier();
    else if (detached && stood.current) onLater();
  };
  // An answer may leave one near an end, and then nothing scrolls that could ask again. The frame after it stands
  // where the virtualizer has put it.
  const ask = useRef(askForMore);
  ask.current = askForMore;
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is asked again when an answer has come.
  useEffect(() => {
    const frame = requestAnimationFrame(() => ask.current());
    return () => cancelAnimationFrame(frame);
  }, [messages, more, loading, fault, detached]);

  // What stands at the end of the window in front of the person is read.
  const read = useRef(onRead);
  read.current = onRead;
  useEffect(() => {
    if (last === undefined || detached || !atEnd) return;
    const tell = () => !document.hidden && read.current(last.place);
    tell();
    document.addEventListener("visibilitychange", tell);
    return () => document.removeEventListener("visibilitychange", tell);
  }, [last, detached, atEnd]);

  // How many came while one was reading further up.
  const [seen, setSeen] = useState(last?.place ?? 0);
  useEffect(() => {
    if (atEnd && !detached) setSeen(last?.place ?? 0);
  }, [atEnd, detached, last]);
  const below = detached ? 0 : messages.filter((each) => each.place > seen && !each.own).length;

  const lastOwn = messages.findLast((each) => each.own && each.notice === null)?.id;
  const talk = rows.filter((row): row is Extract<Row, { kind: "message" }> => row.kind === "message");
  const move = (by: number) => {
    const at = talk.findIndex((row) => row.message.id === current);
    const next = talk[at === -1 ? talk.length - 1 : Math.min(Math.max(at + by, 0), talk.length - 1)];
    if (next === undefined) return;
    setCurrent(next.message.id);
    virtual.scrollToIndex(rows.indexOf(next), { align: "auto" });
    requestAnimationFrame(() => document.getElementById(`message ${next.message.id}`)?.focus());
  };
  return (
    <div className="relative flex min-h-0 flex-1 flex-col">
      <div
        ref={scroller}
        role="region"
        tabIndex={0}
        aria-label={t.conversations.messages}
        className="flex min-h-0 flex-1 flex-col overflow-y-auto -outline-offset-2"
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          stood.current = scrollHeight - clientHeight - scrollTop < NEAR_PX;
          askForMore();
        }}
        onKeyDown={(event) => {
          const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
          const isHere =
            event.target === scroller.current || (event.target as HTMLElement).id.startsWith("message ");
          if (step === 0 || !isHere) return;
          event.preventDefault();
          move(step);
        }}
      >
        {rows.length === 0 ? (
          <div className="grid flex-1 place-items-center">
            <Empty>
              <span className="font-medium text-ink">{t.conversations.noMessages}</span>{" "}
              {live && t.conversations.noMessagesHint}
            </Empty>
          </div>
        ) : (
          // Few messages stand at the bottom, where the next one is written.
          <div className="relative mt-auto shrink-0" style={{ height: virtual.getTotalSize() }}>
            {fault === null ? (
              <p className="pt-3 text-center text-sm text-muted" data-testid="thread-head">
                {more ? t.conversations.earlier : t.conversations.beginning}
              </p>
            ) : (
              <div className="px-4 pt-2">
                <Fault onRetry={onAgain}>{fault}</Fault>
              </div>
            )}
            <div role="list">
              {items.map((item) => {
                const row = rows[item.index];
                if (row === undefined) return null;
                return (
                  <div
                    key={item.key}
                    role="listitem"
                    ref={virtual.measureElement}
                    data-index={item.index}
                    className="absolute inset-x-0 top-0"
                    style={{ transform: `translateY(${item.start}px)` }}
                  >
                    {row.kind === "day" && <Day at={row.at} />}
                    {row.kind === "unread" && <UnreadLine />}
                    {row.kind === "notice" && <NoticeRow message={row.message} notice={row.notice} />}
                    {row.kind === "message" && (
                      <MessageRow
                        message={row.message}
                        follows={row.follows}
                        isLastOwn={row.message.id === lastOwn}
                        current={row.message.id === current}
                        stuck={stuck}
                        found={target !== null && row.message.place === target}
                        onCurrent={() => setCurrent(row.message.id)}
                        {...actions}
                      />
                    )}
                  </div>
                );
              })}
            </div>
          </div>
        )}
      </div>
      {(detached || (!atEnd && rows.length > 0)) && (
        <Button
          className="absolute bottom-2 left-1/2 -translate-x-1/2 shadow-pop"
          icon={<ArrowDown className="size-3.5" aria-hidden="true" />}
          onClick={() => {
            if (detached) onLatest();
            else virtual.scrollToEnd();
          }}
        >
          {below > 0 ? t.conversations.newBelow(below) : t.conversations.toLatest}
        </Button>
      )}
      <p className="sr-only" aria-live="polite">
        {last !== undefined && !last.own && last.place > readBefore && last.text !== ""
          ? t.conversations.previewFrom(nameOf(last.sender), lineText(last.text))
          : ""}
      </p>
    </div>
  );
}
