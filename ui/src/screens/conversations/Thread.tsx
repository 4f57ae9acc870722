import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Message } from "@/bindings/Message";
import { nameOf } from "@/domain/node/identifiers";
import { Button } from "@/shared/Button";
import { Empty } from "@/shared/layout";
import { t } from "@/text";
import { type MessageDeeds, MessageRow } from "./MessageRow";
import { Day, NoticeRow, UnreadLine } from "./marks";
import { type Row, rowsOf } from "./rows";

/** So near to the end one is at the end: what comes then is followed. */
const NEAR_PX = 80;
/** So near to the beginning earlier ones are fetched. */
const EARLY_PX = 500;
/** Room above the first for a word on whether there are earlier ones. */
const HEAD_PX = 36;

/** What was said: only what is in view exists, and nothing that is read moves when more comes at either end. */
export function Thread({
  messages,
  more,
  target,
  readBefore,
  loading,
  detached,
  live,
  onEarlier,
  onLater,
  onLatest,
  onRead,
  ...deeds
}: MessageDeeds & {
  messages: readonly Message[];
  more: boolean;
  /** The place to go to. */
  target: number | null;
  readBefore: number;
  loading: boolean;
  /** The latest messages are not among these. */
  detached: boolean;
  live: boolean;
  onEarlier: () => void;
  onLater: () => void;
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
    paddingStart: HEAD_PX,
    paddingEnd: 12,
    // What is read stands still whichever end grows; at the end of an old stretch that is the end.
    anchorTo: detached && atEnd ? "start" : "end",
    followOnAppend: !detached,
    scrollEndThreshold: NEAR_PX,
    onChange: (instance) => setAtEnd(instance.isAtEnd(NEAR_PX)),
  });
  const items = virtual.getVirtualItems();
  const last = messages.at(-1);

  // At first, and when a place is asked for.
  const shown = useRef<string | null>(null);
  useEffect(() => {
    if (rows.length === 0) return;
    const wanted = target === null ? "end" : String(target);
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
  }, [rows, messages, more, target, virtual]);

  // The stretch may slide by one rather than grow, which is no append to the virtualizer.
  const stood = useRef(true);
  const newest = rows.at(-1)?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: only what is new at the end is followed.
  useEffect(() => {
    if (stood.current && !detached && shown.current === "end") virtual.scrollToEnd();
  }, [newest]);

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
          if (loading || shown.current !== (target === null ? "end" : String(target))) return;
          if (more && scrollTop < EARLY_PX) onEarlier();
          if (detached && stood.current) onLater();
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
            <p className="pt-3 text-center text-sm text-muted">
              {more ? t.conversations.earlier : t.conversations.beginning}
            </p>
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
                        current={row.message.id === current}
                        found={target !== null && row.message.place === target}
                        onCurrent={() => setCurrent(row.message.id)}
                        {...deeds}
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
          ? t.conversations.previewFrom(nameOf(last.sender), last.text)
          : ""}
      </p>
    </div>
  );
}
