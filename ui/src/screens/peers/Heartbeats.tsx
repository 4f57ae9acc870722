import { Link, useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, type MouseEvent, useId, useState } from "react";
import type { HeartbeatSlot } from "@/bindings/HeartbeatSlot";
import type { SlotState } from "@/bindings/SlotState";
import { sentence } from "@/domain/node/admin";
import {
  type Bar,
  SPANS,
  slotText,
  spanOf,
  summary,
  trafficOf,
  useHeartbeats,
} from "@/domain/peer/heartbeat";
import { useAddress } from "@/shared/address";
import { Segments } from "@/shared/form";
import { Fault, InspectorPart, Loading } from "@/shared/layout";
import { lineText } from "@/shared/text";
import { t } from "@/text";

const STEP = 4;
const WIDTH = 3;
const HEIGHT = 24;
/** A state is told by its height, so that it is told without colour too. What failed in part has a gap. */
const SHAPES: Record<SlotState, readonly { y: number; height: number; look: string }[]> = {
  good: [{ y: 9, height: 15, look: "beat-good" }],
  "some-failed": [
    { y: 0, height: 7, look: "beat-bad" },
    { y: 9, height: 15, look: "beat-good" },
  ],
  failed: [{ y: 0, height: HEIGHT, look: "beat-bad" }],
  quiet: [{ y: 19, height: 5, look: "beat-quiet" }],
  off: [{ y: 22, height: 2, look: "beat-quiet" }],
};
const STATES = Object.keys(SHAPES) as SlotState[];

/** How it went with a peer over time, in both directions. */
export function Heartbeats({ provider }: { provider: string }) {
  const [place, setPlace] = useAddress("span");
  const span = spanOf(place.span);
  const read = useHeartbeats(provider, span);
  return (
    <InspectorPart
      title={t.heartbeat.title}
      actions={
        <Segments
          label={t.heartbeat.span}
          value={span}
          onChange={(next) => setPlace({ span: next === "1h" ? "" : next })}
          options={SPANS.map((each) => {
            const [text, title] = t.heartbeat.spans[each];
            return { value: each, text, title };
          })}
        />
      }
    >
      {read.error !== null && <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>}
      {read.data === undefined ? (
        read.error === null && <Loading />
      ) : (
        <Both {...read.data} provider={provider} />
      )}
    </InspectorPart>
  );
}

function Both({
  heartbeat,
  fault,
  provider,
}: NonNullable<ReturnType<typeof useHeartbeats>["data"]> & { provider: string }) {
  const why = fault === null ? null : lineText(fault, 500);
  if (heartbeat === null)
    return (
      <p className="text-muted" data-testid="heartbeat-note">
        {why === null ? t.heartbeat.nothing : t.heartbeat.unusable(why)}
      </p>
    );
  const { slot_ms: slotMs, ours, theirs } = heartbeat;
  const from = Date.parse(heartbeat.from);
  return (
    <div className="grid gap-3">
      {why !== null && (
        <p className="text-bad" data-testid="heartbeat-note">
          {t.heartbeat.fault(why)}
        </p>
      )}
      <HeartbeatBar
        name={t.heartbeat.direction.ours}
        provider={provider}
        bar={{ direction: "out", slots: ours, from, slotMs }}
      />
      <HeartbeatBar
        name={t.heartbeat.direction.theirs}
        provider={provider}
        bar={{ direction: "in", slots: theirs, from, slotMs }}
      />
      <ul className="flex flex-wrap gap-x-3 gap-y-1 text-sm text-muted" title={t.heartbeat.hint}>
        {STATES.map((state) => (
          <li key={state} className="inline-flex items-center gap-1" title={t.heartbeat.stateHint[state]}>
            <svg
              viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
              className="h-4 w-[3px]"
              preserveAspectRatio="none"
              aria-hidden="true"
            >
              <Shape state={state} x={0} />
            </svg>
            {t.heartbeat.state[state]}
          </li>
        ))}
      </ul>
    </div>
  );
}

/**
 * One stop for the keyboard: the arrows go from slot to slot, each of which is told in words, and Enter shows its requests. A slot is
 * too narrow to be a target of its own, so a click counts for the slot that it is nearest to.
 */
function HeartbeatBar({ name, bar, provider }: { name: string; bar: Bar; provider: string }) {
  const navigate = useNavigate();
  // When the chosen slot begins: that it moves with time does not make it another.
  const [chosen, setChosen] = useState<number | null>(null);
  const id = useId();
  const last = bar.slots.length - 1;
  const within = (index: number) => Math.min(Math.max(index, 0), last);
  const choose = (index: number) => setChosen(bar.from + within(index) * bar.slotMs);
  const at = chosen === null ? null : within(Math.floor((chosen - bar.from) / bar.slotMs));
  const requests = at === null ? null : trafficOf(provider, bar, at);
  const show = (index: number) => {
    const search = trafficOf(provider, bar, index);
    if (search !== null) void navigate({ to: "/traffic", search });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    // With these, the arrows are the browser's.
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const here = at ?? last;
    const steps: Record<string, number> = {
      ArrowLeft: here - 1,
      ArrowDown: here - 1,
      ArrowRight: here + 1,
      ArrowUp: here + 1,
      PageUp: here + 10,
      PageDown: here - 10,
      Home: 0,
      End: last,
    };
    const next = steps[event.key];
    if (next !== undefined) choose(next);
    else if (event.key === "Enter") show(here);
    else return;
    // Neither does the page scroll, nor does a letter's action of the screen take the key.
    event.preventDefault();
    event.stopPropagation();
  };
  const onClick = (event: MouseEvent<HTMLElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const pointed = width > 0 ? Math.floor(((event.clientX - left) / width) * bar.slots.length) : last;
    const index = within(pointed);
    choose(index);
    if ((bar.slots[index]?.failed ?? 0) > 0) show(index);
  };
  return (
    <div data-testid={`heartbeat-${bar.direction}`}>
      <h4 id={`${id}-name`} className="text-sm text-muted">
        {name}
      </h4>
      <div
        role="slider"
        tabIndex={0}
        aria-labelledby={`${id}-name`}
        aria-describedby={`${id}-summary ${id}-keys`}
        aria-orientation="horizontal"
        aria-valuemin={1}
        aria-valuemax={last + 1}
        aria-valuenow={(at ?? last) + 1}
        aria-valuetext={slotText(bar, at ?? last)}
        className="mt-1 cursor-default pt-0.5 pb-2"
        onKeyDown={onKeyDown}
        onClick={onClick}
        onFocus={() => choose(at ?? last)}
      >
        <svg
          viewBox={`0 0 ${bar.slots.length * STEP - (STEP - WIDTH)} ${HEIGHT}`}
          preserveAspectRatio="none"
          className="block h-6 w-full overflow-visible"
          aria-hidden="true"
        >
          {bar.slots.map((slot, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a slot is its place.
            <Beat key={index} slot={slot} index={index} text={slotText(bar, index)} isChosen={index === at} />
          ))}
        </svg>
      </div>
      <p id={`${id}-summary`} className="text-sm" data-testid="heartbeat-summary">
        {summary(bar)}
      </p>
      {at !== null && (
        <p className="text-sm text-muted" data-testid="heartbeat-slot">
          {slotText(bar, at)}
          {requests !== null && (
            <>
              {" · "}
              <Link to="/traffic" search={requests} className="text-accent underline underline-offset-2">
                {requests.errors === undefined ? t.heartbeat.show : t.heartbeat.showFailed}
              </Link>
            </>
          )}
        </p>
      )}
      <span id={`${id}-keys`} className="sr-only">
        {t.heartbeat.keys}
      </span>
    </div>
  );
}

function Beat({
  slot,
  index,
  text,
  isChosen,
}: {
  slot: HeartbeatSlot;
  index: number;
  text: string;
  isChosen: boolean;
}) {
  const x = index * STEP;
  return (
    <g data-state={slot.state}>
      <title>{text}</title>
      {/* What is pointed at reaches from top to bottom, and to the next. */}
      <rect x={x - 0.5} y={-2} width={STEP} height={HEIGHT + 4} fill="transparent" />
      <Shape state={slot.state} x={x} />
      {isChosen && <rect x={x} y={HEIGHT + 2} width={WIDTH} height={3} className="beat-chosen" />}
    </g>
  );
}

function Shape({ state, x }: { state: SlotState; x: number }) {
  return SHAPES[state].map(({ y, height, look }) => (
    <rect key={y} x={x} y={y} width={WIDTH} height={height} className={look} />
  ));
}
