import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowLeft, ArrowRight, ArrowRightToLine, ArrowUp, Ellipsis, Stethoscope } from "lucide-react";
import { memo, type ReactNode, type RefObject, useEffect, useRef } from "react";
import type { Traffic } from "@/bindings/Traffic";
import { Alias } from "@/domain/demo/Alias";
import { TimingBar } from "@/domain/traffic/TimingBars";
import { answer, isError, isUnsent, requestLine } from "@/domain/traffic/words";
import { IconButton } from "@/shared/Button";
import { cx } from "@/shared/class";
import { duration, exact, timeOfDay } from "@/shared/format";
import { useMedia } from "@/shared/hooks";
import { Mark } from "@/shared/Mark";
import { Menu, type MenuItem } from "@/shared/Menu";
import { lineText } from "@/shared/text";
import { Bytes, Lasting, MiddleElided } from "@/shared/values";
import { t } from "@/text";

/** Where the list is narrow (beside the details), what a row's details say anyway goes. */
const COLUMNS = [
  "grid gap-x-3",
  "grid-cols-[6.25rem_1rem_minmax(13rem,1.2fr)_8.25rem_minmax(4rem,1fr)_6.25rem_4.5rem_4.25rem_2.75rem_1.5rem]",
  "@max-[61rem]:grid-cols-[6rem_1rem_minmax(11rem,1fr)_8rem_5.5rem_3.75rem_1.5rem]",
  "@max-[44rem]:grid-cols-[6rem_1rem_minmax(11rem,1fr)_8rem_5.5rem_3.75rem]",
  "@min-[70rem]:grid-cols-[6.25rem_1rem_minmax(13rem,1.2fr)_8.25rem_minmax(4rem,1fr)_6.25rem_4.5rem_7.5rem_4.25rem_2.75rem_1.5rem]",
].join(" ");
const SPARE = "@max-[61rem]:hidden";
/** The open request's details have the same menu. */
const ACTIONS = "@max-[44rem]:hidden";
const ROOMY = "hidden @min-[70rem]:block";
const NARROW =
  "grid grid-cols-[1.25rem_minmax(0,1fr)_auto] gap-x-2 sm:grid-cols-[1.25rem_minmax(0,1fr)_auto_1.5rem]";
/** So many rows before the end, older ones are asked for. */
const BEFORE_END = 100;

/** A virtual list of rows of one height; the open row and the keyboard are the screen's affair. */
export function TrafficList({
  rows,
  openId,
  onOpen,
  onLook,
  onScrolled,
  fresh,
  onCatchUp,
  scroller,
  actionsOf,
  onEnd,
  end,
}: {
  rows: readonly Traffic[];
  openId: number | null;
  onOpen: (id: number) => void;
  /** The pointer is on the list, or has left it. */
  onLook: (looking: boolean) => void;
  onScrolled: (scrolled: boolean) => void;
  fresh: number;
  onCatchUp: () => void;
  scroller: RefObject<HTMLDivElement | null>;
  actionsOf: (record: Traffic) => readonly MenuItem[];
  /** The last rows come into view. */
  onEnd: () => void;
  /** What stands after the last row. */
  end: ReactNode;
}) {
  const narrow = useMedia("(max-width: 60rem)");
  const rem = useRef(16);
  rem.current = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  const height = Math.round((narrow ? 2.75 : 1.75) * rem.current);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the heights are measured anew when the layout changes.
  useEffect(() => virtual.measure(), [height]);
  const items = virtual.getVirtualItems();
  const isNearEnd = rows.length > BEFORE_END && (items.at(-1)?.index ?? 0) >= rows.length - BEFORE_END;
  useEffect(() => {
    if (isNearEnd) onEnd();
  }, [isNearEnd, onEnd]);
  // A list that goes while it is pointed at is not left.
  useEffect(() => () => onLook(false), [onLook]);
  const opened = rows.findIndex((row) => row.id === openId);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only opening another one brings it into view, not each new row.
  useEffect(() => {
    if (opened !== -1) virtual.scrollToIndex(opened, { align: "auto" });
  }, [openId]);
  return (
    <div className="@container relative flex min-h-0 flex-1 flex-col bg-surface">
      {fresh > 0 && <NewPill fresh={fresh} onCatchUp={onCatchUp} />}
      <div
        role="table"
        aria-label={t.traffic.title}
        aria-rowcount={rows.length + 1}
        className="flex min-h-0 flex-1 flex-col"
      >
        {!narrow && (
          <div role="rowgroup" className="overflow-hidden border-b border-line [scrollbar-gutter:stable]">
            <div role="row" className={cx(COLUMNS, "h-7 items-center px-4 text-sm text-muted")}>
              <span role="columnheader" title={t.traffic.hint.time}>
                {t.traffic.column.time}
              </span>
              <span role="columnheader" title={t.traffic.hint.direction}>
                <span className="sr-only">{t.traffic.column.direction}</span>
              </span>
              <span role="columnheader">{t.traffic.column.peer}</span>
              <span role="columnheader">{t.traffic.column.kind}</span>
              <span role="columnheader" className={SPARE}>
                {t.traffic.column.target}
              </span>
              <span role="columnheader" title={t.traffic.hint.status}>
                {t.traffic.column.status}
              </span>
              <span role="columnheader" className="text-right" title={t.traffic.hint.duration}>
                {t.traffic.column.duration}
              </span>
              <span role="columnheader" className={ROOMY} title={t.traffic.hint.parts}>
                {t.traffic.column.parts}
              </span>
              <span role="columnheader" className={cx("text-right", SPARE)} title={t.traffic.hint.size}>
                {t.traffic.column.size}
              </span>
              <span role="columnheader" className={cx("text-right", SPARE)} title={t.traffic.hint.items}>
                {t.traffic.column.items}
              </span>
              <span role="columnheader" className={ACTIONS}>
                <span className="sr-only">{t.traffic.act.menu}</span>
              </span>
            </div>
          </div>
        )}
        <div
          ref={scroller}
          role="rowgroup"
          data-testid="traffic-list"
          tabIndex={0}
          className="min-h-0 flex-1 overflow-y-auto -outline-offset-2 [scrollbar-gutter:stable]"
          onPointerEnter={(event) => event.pointerType !== "touch" && onLook(true)}
          onPointerLeave={() => onLook(false)}
          onScroll={(event) => onScrolled(event.currentTarget.scrollTop > height / 2)}
        >
          <div role="presentation" className="relative" style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const record = rows[item.index];
              if (record === undefined) return null;
              return (
                <div
                  key={record.id}
                  role="presentation"
                  className="absolute inset-x-0 top-0"
                  style={{ transform: `translateY(${item.start}px)`, height }}
                >
                  <TrafficRow
                    record={record}
                    index={item.index}
                    open={record.id === openId}
                    narrow={narrow}
                    onOpen={onOpen}
                    actionsOf={actionsOf}
                  />
                </div>
              );
            })}
          </div>
          <div
            role="presentation"
            className="flex min-h-12 items-center justify-center gap-3 px-4 text-muted"
          >
            {end}
          </div>
        </div>
      </div>
    </div>
  );
}

/** What came meanwhile: a click shows it. Over the list, so that nothing moves when it appears. */
function NewPill({ fresh, onCatchUp }: { fresh: number; onCatchUp: () => void }) {
  return (
    <button
      type="button"
      data-testid="traffic-new"
      onClick={onCatchUp}
      className="appear absolute top-9 left-1/2 z-10 inline-flex h-7 -translate-x-1/2 items-center gap-1 rounded-full bg-accent-fill px-3 font-medium text-accent-ink shadow-pop hover:bg-accent-fill-hover"
      aria-label={t.traffic.showNew(fresh)}
    >
      <ArrowUp className="size-3.5" aria-hidden="true" />
      {t.traffic.newOnes(fresh)}
    </button>
  );
}

/** The Doctor has had it sent. */
function DoctorMark() {
  return (
    <span className="inline-flex shrink-0 text-muted" title={t.traffic.byDoctorHint}>
      <Stethoscope className="size-3.5" aria-hidden="true" />
      <span className="sr-only">{t.traffic.byDoctor}</span>
    </span>
  );
}

const TrafficRow = memo(function TrafficRow({
  record,
  index,
  open,
  narrow,
  onOpen,
  actionsOf,
}: {
  record: Traffic;
  index: number;
  open: boolean;
  narrow: boolean;
  onOpen: (id: number) => void;
  actionsOf: (record: Traffic) => readonly MenuItem[];
}) {
  const { tone, shape, text } = answer(record);
  const error = isError(record);
  const kind = t.traffic.kind[record.kind];
  const unsent = isUnsent(record);
  const way = record.direction === "in" ? t.traffic.in : unsent ? t.traffic.notSentWay : t.traffic.out;
  const arrow = (
    <span role="cell" title={way} className="text-muted">
      {record.direction === "in" ? (
        <ArrowLeft className="size-4" aria-hidden="true" />
      ) : unsent ? (
        // It comes as far as a wall.
        <ArrowRightToLine className="size-4" aria-hidden="true" />
      ) : (
        <ArrowRight className="size-4" aria-hidden="true" />
      )}
      <span className="sr-only">{way}</span>
    </span>
  );
  const state = (
    <span
      className={cx("flex min-w-0 items-center gap-1.5 max-[60rem]:justify-end", error && "text-bad")}
      title={
        unsent
          ? `${t.traffic.notSentHint}\n${lineText(record.text ?? record.code ?? "", 500)}`
          : lineText(record.code ?? record.text ?? "") || undefined
      }
    >
      <Mark tone={tone} shape={shape} className={record.waiting ? "breathe" : ""} />
      <span className="truncate">{text}</span>
    </span>
  );
  const took = record.waiting ? (
    <span className="text-accent">
      <Lasting since={record.at} />
    </span>
  ) : (
    <span className="whitespace-nowrap">
      {record.duration_ms === null ? t.units.unknown : duration(record.duration_ms)}
    </span>
  );
  const opener = (
    <button
      type="button"
      data-traffic={record.id}
      tabIndex={-1}
      aria-expanded={open}
      onClick={() => onOpen(record.id)}
      title={kind}
      className="max-w-full min-w-0 truncate text-left font-medium"
    >
      {kind}
    </button>
  );
  const menu = (
    <Menu
      label={t.traffic.act.menu}
      items={actionsOf(record)}
      trigger={
        <IconButton label={t.traffic.act.menu} tabIndex={-1} className="size-6" data-testid="traffic-actions">
          <Ellipsis className="size-4" aria-hidden="true" />
        </IconButton>
      }
    />
  );
  const byDoctor = record.asker === "doctor" && <DoctorMark />;
  const line = requestLine(record);
  const peer = record.peer ?? t.traffic.nobody;
  // Whom we ask we have chosen; who asks us may only claim to be somebody.
  const claimed = record.direction === "in" && !record.verified;
  const common = cx(
    "h-full items-center border-b border-line px-4 outline-none",
    open ? "bg-accent-soft" : "hover:bg-hover",
  );
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard has j and k, the arrows, and the button in the row.
    <div
      role="row"
      tabIndex={-1}
      aria-rowindex={index + 2}
      data-testid="traffic-row"
      data-direction={record.direction}
      data-waiting={record.waiting}
      data-unsent={unsent}
      className={cx(narrow ? NARROW : COLUMNS, common)}
      onClick={(event) => {
        const target = event.target as HTMLElement;
        // A click in the row's menu comes here too, though the menu stands elsewhere.
        if (event.currentTarget.contains(target) && target.closest("button") === null) onOpen(record.id);
      }}
    >
      {narrow ? (
        <>
          {arrow}
          <span role="cell" className="min-w-0">
            <span className="flex gap-2">
              {opener}
              {byDoctor}
              {/* It gives way before what kind of request it is does, down to what tells one peer from another. */}
              <span className={cx("min-w-28 shrink-[9999] text-muted", claimed && "italic")}>
                <MiddleElided after={<Alias provider={record.peer} />} text={peer} />
              </span>
            </span>
            <span className="block truncate text-sm text-muted" title={line}>
              {line}
            </span>
          </span>
          <span role="cell" className="text-right text-sm">
            {state}
            {!unsent && <span className="block">{took}</span>}
          </span>
          <span role="cell" className="max-sm:hidden">
            {menu}
          </span>
        </>
      ) : (
        <>
          <time role="cell" dateTime={record.at} title={exact(record.at)} className="text-muted">
            {timeOfDay(record.at)}
          </time>
          {arrow}
          <span role="cell" className={cx("min-w-0", claimed && "text-muted italic")}>
            <MiddleElided
              after={<Alias provider={record.peer} />}
              text={peer}
              title={
                claimed ? `${peer}: ${record.waiting ? t.traffic.unchecked : t.traffic.unverified}` : peer
              }
            />
          </span>
          <span role="cell" className="flex min-w-0 items-center gap-1">
            {opener}
            {byDoctor}
          </span>
          <span role="cell" className={cx("truncate text-muted", SPARE)} title={line}>
            {line}
          </span>
          {/* What was not sent took no time worth a column: its reason has the room. */}
          <span role="cell" aria-colspan={unsent ? 2 : 1} className={cx("min-w-0", unsent && "col-span-2")}>
            {state}
          </span>
          {!unsent && (
            <span role="cell" className="text-right">
              {took}
            </span>
          )}
          <span role="cell" className={ROOMY}>
            <TimingBar record={record} />
          </span>
          <span role="cell" className={cx("text-right text-muted", SPARE)}>
            {record.waiting || unsent ? "" : <Bytes n={record.request_bytes + record.response_bytes} />}
          </span>
          <span
            role="cell"
            className={cx("text-right text-muted", SPARE)}
            title={record.item_count > 0 ? record.items.map((each) => each.kind).join(", ") : undefined}
          >
            {record.item_count > 0 ? record.item_count : ""}
          </span>
          <span role="cell" className={ACTIONS}>
            {menu}
          </span>
        </>
      )}
    </div>
  );
});
