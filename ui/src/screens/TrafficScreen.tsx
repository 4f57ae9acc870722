import { Download, Pause, Play } from "lucide-react";
import { useCallback, useMemo, useReducer, useRef, useState } from "react";
import type { Asker } from "@/bindings/Asker";
import type { Direction } from "@/bindings/Direction";
import type { TrafficKind } from "@/bindings/TrafficKind";
import { sentence } from "@/domain/node/admin";
import { usePeers } from "@/domain/peer/hooks";
import { useTrafficView } from "@/domain/traffic/hooks";
import { MOST_SHOWN } from "@/domain/traffic/view";
import { useActions } from "@/shared/actions";
import { useAddress, useDialogPlace } from "@/shared/address";
import { Button } from "@/shared/Button";
import { now } from "@/shared/clock";
import { SearchField, Segments, Select } from "@/shared/form";
import { useRested } from "@/shared/hooks";
import { Empty, Fault, Loading, Screen } from "@/shared/layout";
import { t } from "@/text";
import { useRequestActions } from "./traffic/actions";
import { ExportDialog } from "./traffic/ExportDialog";
import {
  ASKERS,
  type Filters,
  filtersOf,
  isFiltered,
  KINDS,
  NO_FILTERS,
  placeOf,
  queryOf,
} from "./traffic/filters";
import { useFrozen } from "./traffic/frozen";
import { KeptCount, KeptNote } from "./traffic/Kept";
import { TimeFilter } from "./traffic/TimeFilter";
import { TrafficDetails } from "./traffic/TrafficDetails";
import { TrafficList } from "./traffic/TrafficList";

/** What is typed is looked for once it rests. */
const REST_MS = 250;

/** What is crossing the wire, and what has? */
export function TrafficScreen() {
  const [place, setPlace] = useAddress(
    "peer",
    "direction",
    "kind",
    "asker",
    "errors",
    "text",
    "since",
    "until",
    "open",
  );
  const filters = useMemo(() => filtersOf(place), [place]);
  const text = useRested(filters.text, REST_MS);
  const key = JSON.stringify({ ...filters, text });
  const query = () => queryOf({ ...filters, text }, now());
  const { records, reading, readOlder } = useTrafficView(query, key);
  const [exporting, setExporting] = useDialogPlace("export");
  const [paused, setPaused] = useState(false);
  const [looking, setLooking] = useState(false);
  const [scrolled, setScrolled] = useState(false);
  const openId = /^\d{1,15}$/.test(place.open) ? Number(place.open) : null;
  const setOpenId = (id: number | null) => setPlace({ open: id === null ? "" : String(id) });
  const [, render] = useReducer((n: number) => n + 1, 0);
  const scroller = useRef<HTMLDivElement>(null);

  const still = paused || looking || scrolled;
  const { rows, fresh, catchUp } = useFrozen(records, still, key);
  const showNew = () => {
    catchUp();
    scroller.current?.scrollTo({ top: 0 });
    render();
  };

  const known = usePeers().data?.peers;
  const peers = useMemo(() => {
    const named = known?.map(({ provider }) => provider) ?? [];
    const met = records.flatMap((record) => record.peer ?? []);
    return [...new Set([...named, ...met, ...(filters.peer === "" ? [] : [filters.peer])])].sort();
  }, [known, records, filters.peer]);
  const change = (part: Partial<Filters>) => {
    setPlace(placeOf({ ...filters, ...part }));
    scroller.current?.scrollTo({ top: 0 });
  };
  const onlyPeer = useCallback((peer: string) => setPlace({ peer }), [setPlace]);
  const actionsOf = useRequestActions(onlyPeer);

  const move = (by: number) => {
    const at = rows.findIndex((row) => row.id === openId);
    const next = rows[at === -1 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)];
    if (next !== undefined) setOpenId(next.id);
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
    { id: "traffic.export", title: t.traffic.exporting.title, group, run: () => setExporting(true) },
    { id: "traffic.clear", title: t.traffic.clear, group, run: () => setPlace(placeOf(NO_FILTERS)) },
  ]);

  const isEmpty = records.length === 0;
  const oldest = records.at(-1);
  const end =
    reading.state === "more" || reading.state === "page" ? (
      <Button disabled={reading.state === "page"} data-testid="traffic-older" onClick={readOlder}>
        {reading.state === "page" ? t.traffic.readingOlder : t.traffic.older}
      </Button>
    ) : reading.state === "failed" ? (
      <Fault onRetry={readOlder}>{sentence(reading.fault)}</Fault>
    ) : reading.state === "full" && oldest !== undefined ? (
      <>
        <span>{t.traffic.fullTitle(MOST_SHOWN)}</span>
        {/* With that one, since others may have begun at the same time. */}
        <Button
          onClick={() =>
            change({ since: query().since ?? "", until: new Date(Date.parse(oldest.at) + 1).toISOString() })
          }
        >
          {t.traffic.fullNext}
        </Button>
      </>
    ) : reading.state === "all" ? (
      <span>{isFiltered(filters) ? t.traffic.allMatching : t.traffic.allShown}</span>
    ) : null;

  return (
    <Screen
      fill
      title={t.traffic.title}
      actions={
        <>
          <span className="text-sm text-muted max-sm:order-last max-sm:basis-full">
            <span title={t.traffic.shownHint} data-testid="traffic-shown">
              {t.traffic.shown(records.length, reading.state === "all")}
            </span>
            <KeptCount />
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
            data-testid="traffic-export"
            icon={<Download className="size-3.5" aria-hidden="true" />}
            onClick={() => setExporting(true)}
          >
            {t.traffic.export}
          </Button>
        </>
      }
      aside={
        openId !== null && (
          <TrafficDetails
            id={openId}
            shown={records}
            actionsOf={actionsOf}
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
          onChange={(event) => change({ kind: event.target.value as TrafficKind | "any" })}
        >
          <option value="any">{t.traffic.anyKind}</option>
          {KINDS.map((kind) => (
            <option key={kind} value={kind}>
              {t.traffic.kind[kind]}
            </option>
          ))}
        </Select>
        <Select
          hideLabel
          className="max-sm:min-w-32 max-sm:flex-1"
          label={t.traffic.askedBy}
          value={filters.asker}
          onChange={(event) => change({ asker: event.target.value as Asker | "any" })}
        >
          <option value="any">{t.traffic.anyAsker}</option>
          {ASKERS.map((asker) => (
            <option key={asker} value={asker}>
              {t.traffic.asker[asker]}
            </option>
          ))}
        </Select>
        <TimeFilter filters={filters} onChange={change} />
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
      <KeptNote />
      {isEmpty ? (
        reading.state === "failed" ? (
          <div className="p-4">{end}</div>
        ) : reading.state === "first" ? (
          <Loading />
        ) : isFiltered(filters) ? (
          <Empty>{t.traffic.noMatch}</Empty>
        ) : (
          <Empty>
            <span className="font-medium text-ink">{t.traffic.empty}</span> {t.traffic.emptyHint}
          </Empty>
        )
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
          actionsOf={actionsOf}
          onEnd={readOlder}
          end={end}
        />
      )}
      <ExportDialog
        open={exporting}
        onClose={() => setExporting(false)}
        filters={query}
        filtered={isFiltered(filters)}
      />
    </Screen>
  );
}
