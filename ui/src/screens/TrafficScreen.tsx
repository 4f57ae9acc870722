import { Download, Pause, Play } from "lucide-react";
import { useMemo, useReducer, useRef, useState } from "react";
import type { Direction } from "@/bindings/Direction";
import { useAdmin } from "@/domain/node/admin";
import { MOST } from "@/domain/traffic/buffer";
import { useTraffic } from "@/domain/traffic/hooks";
import { type Kind, kindOf } from "@/domain/traffic/words";
import { useActions } from "@/shared/actions";
import { useAddress } from "@/shared/address";
import { Button } from "@/shared/Button";
import { SearchField, Segments, Select } from "@/shared/form";
import { copyText } from "@/shared/hooks";
import { Empty, Screen } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { t } from "@/text";
import { type Filters, filtersOf, isFiltered, matches, NO_FILTERS, placeOf } from "./traffic/filters";
import { useFrozen } from "./traffic/frozen";
import { TrafficDetails } from "./traffic/TrafficDetails";
import { TrafficList } from "./traffic/TrafficList";

/** What is crossing the wire? */
export function TrafficScreen() {
  const records = useTraffic();
  const { platform } = useAdmin();
  const [place, setPlace] = useAddress("peer", "direction", "kind", "errors", "text", "open");
  const filters = useMemo(() => filtersOf(place), [place]);
  const [paused, setPaused] = useState(false);
  const [looking, setLooking] = useState(false);
  const [scrolled, setScrolled] = useState(false);
  const openId = /^\d+$/.test(place.open) ? Number(place.open) : null;
  const setOpenId = (id: number | null) => setPlace({ open: id === null ? "" : String(id) });
  const [, render] = useReducer((n: number) => n + 1, 0);
  const scroller = useRef<HTMLDivElement>(null);

  const matching = useMemo(
    () => (isFiltered(filters) ? records.filter(matches(filters)) : records),
    [records, filters],
  );
  const still = paused || looking || scrolled;
  const { rows, fresh, catchUp } = useFrozen(matching, still, JSON.stringify(filters));
  const showNew = () => {
    catchUp();
    scroller.current?.scrollTo({ top: 0 });
    render();
  };

  const peers = useMemo(
    () =>
      [
        ...new Set([
          ...records.flatMap((record) => record.peer ?? []),
          ...(filters.peer === "" ? [] : [filters.peer]),
        ]),
      ].sort(),
    [records, filters.peer],
  );
  const kinds = useMemo(() => [...new Set(records.map(kindOf))], [records]);
  const change = (part: Partial<Filters>) => {
    setPlace(placeOf({ ...filters, ...part }));
    scroller.current?.scrollTo({ top: 0 });
  };

  const move = (by: number) => {
    const at = rows.findIndex((row) => row.id === openId);
    const next = rows[at === -1 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)];
    if (next !== undefined) setOpenId(next.id);
  };
  const exportJson = () => {
    const text = JSON.stringify(rows, null, 2);
    if (platform.save !== null) {
      platform.save(`drawbridge-traffic-${new Date().toISOString().replaceAll(":", "-")}.json`, text);
    } else {
      void copyText(text).then(() => toast(t.traffic.exported(rows.length)));
    }
  };
  const group = t.traffic.title;
  useActions([
    {
      id: "traffic.down",
      title: t.traffic.next,
      group,
      keys: ["j", "ArrowDown"],
      keyOnly: true,
      run: () => move(1),
    },
    {
      id: "traffic.up",
      title: t.traffic.previous,
      group,
      keys: ["k", "ArrowUp"],
      keyOnly: true,
      run: () => move(-1),
    },
    {
      id: "traffic.pause",
      title: paused ? t.traffic.resume : t.traffic.pause,
      group,
      keys: ["p"],
      run: () => setPaused(!paused),
    },
    {
      id: "traffic.errors",
      title: t.traffic.errorsOnly,
      group,
      keys: ["e"],
      run: () => change({ errors: !filters.errors }),
    },
    {
      id: "traffic.close",
      title: t.app.close,
      group,
      keys: ["Escape"],
      keyOnly: true,
      run: () => setOpenId(null),
    },
    { id: "traffic.export", title: t.traffic.export, group, run: exportJson },
    { id: "traffic.clear", title: t.traffic.clear, group, run: () => setPlace(placeOf(NO_FILTERS)) },
  ]);

  return (
    <Screen
      fill
      title={t.traffic.title}
      actions={
        <>
          <span className="text-sm text-muted max-sm:hidden" title={t.traffic.bounded(MOST)}>
            {t.traffic.count(matching.length, records.length)}
            {paused ? ` · ${t.traffic.paused}` : still && fresh > 0 ? ` · ${t.traffic.held}` : ""}
          </span>
          <Button
            data-testid="traffic-pause"
            aria-pressed={paused}
            icon={
              paused ? (
                <Play className="size-3.5" aria-hidden="true" />
              ) : (
                <Pause className="size-3.5" aria-hidden="true" />
              )
            }
            onClick={() => setPaused(!paused)}
          >
            {paused ? t.traffic.resume : t.traffic.pause}
          </Button>
          <Button
            title={t.traffic.exportHint}
            disabled={rows.length === 0}
            icon={<Download className="size-3.5" aria-hidden="true" />}
            onClick={exportJson}
          >
            {t.traffic.export}
          </Button>
        </>
      }
      aside={
        openId !== null && (
          <TrafficDetails
            record={records.find((record) => record.id === openId)}
            onClose={() => setOpenId(null)}
            onMove={move}
          />
        )
      }
    >
      <div
        role="search"
        aria-label={t.traffic.filters}
        className="flex flex-wrap items-center gap-2 border-b border-line bg-surface px-4 py-1.5 max-sm:px-3"
      >
        <SearchField
          label={t.traffic.search}
          className="max-w-56 min-w-44 flex-1 max-sm:max-w-none max-sm:basis-full"
          value={filters.text}
          onChange={(event) => change({ text: event.target.value })}
        />
        <Select
          hideLabel
          className="max-sm:min-w-32 max-sm:flex-1"
          label={t.traffic.column.peer}
          value={filters.peer}
          onChange={(event) => change({ peer: event.target.value })}
        >
          <option value="">{t.traffic.anyPeer}</option>
          {peers.map((peer) => (
            <option key={peer}>{peer}</option>
          ))}
        </Select>
        <Select
          hideLabel
          className="max-sm:min-w-32 max-sm:flex-1"
          label={t.traffic.column.kind}
          value={filters.kind}
          onChange={(event) => change({ kind: event.target.value as Kind | "any" })}
        >
          <option value="any">{t.traffic.anyKind}</option>
          {kinds.map((kind) => (
            <option key={kind} value={kind}>
              {t.traffic.kind[kind]}
            </option>
          ))}
        </Select>
        <Segments
          label={t.traffic.column.direction}
          value={filters.direction}
          onChange={(direction: Direction | "both") => change({ direction })}
          options={[
            { value: "both", text: t.traffic.both },
            { value: "in", text: `← ${t.traffic.inShort}`, title: t.traffic.in },
            { value: "out", text: `→ ${t.traffic.outShort}`, title: t.traffic.out },
          ]}
        />
        <Button
          aria-pressed={filters.errors}
          className={filters.errors ? "border-accent bg-accent-soft text-accent" : ""}
          onClick={() => change({ errors: !filters.errors })}
        >
          {t.traffic.errorsOnly}
        </Button>
        {isFiltered(filters) && (
          <Button look="quiet" onClick={() => setPlace(placeOf(NO_FILTERS))}>
            {t.traffic.clear}
          </Button>
        )}
      </div>
      {records.length === 0 ? (
        <Empty>
          <span className="font-medium text-ink">{t.traffic.empty}</span> {t.traffic.emptyHint}
        </Empty>
      ) : matching.length === 0 ? (
        <Empty>{t.traffic.noMatch}</Empty>
      ) : (
        <TrafficList
          rows={rows}
          openId={openId}
          onOpen={setOpenId}
          onLook={setLooking}
          onScrolled={setScrolled}
          fresh={fresh}
          onCatchUp={showNew}
          scroller={scroller}
        />
      )}
    </Screen>
  );
}
