import { Link } from "@tanstack/react-router";
import type { TrafficEvent } from "@/bindings/TrafficEvent";
import type { TrafficItem } from "@/bindings/TrafficItem";
import { groupOf } from "@/domain/node/identifiers";
import { count } from "@/shared/format";
import { t } from "@/text";
import { itemText } from "./words";

/** An item of a page, or something submitted, with its number. One that is an event leads to where that is on its way. */
export function ItemLine({ item }: { item: TrafficItem }) {
  return (
    <span className="flex gap-3">
      <span className="w-12 shrink-0 text-right text-muted" title={t.traffic.itemHint}>
        {item.seq === 0 ? t.units.unknown : count(item.seq)}
      </span>
      <span className="min-w-0">
        <span className="font-medium wrap-anywhere">{itemText(item.kind)}</span>
        {item.event !== null && <EventLine event={item.event} />}
      </span>
    </span>
  );
}

function EventLine({ event: { group, seq } }: { event: TrafficEvent }) {
  const name = groupOf(group)?.name ?? group;
  return (
    <span className="block text-sm text-muted">
      <span className="wrap-anywhere" title={group}>
        {t.traffic.itemEvent(seq, name)}
      </span>{" "}
      <Link
        to="/doctor/trace"
        search={{ group, seq: String(seq) }}
        aria-label={`${t.traffic.traceItem}: ${t.traffic.itemEvent(seq, name)}`}
        className="whitespace-nowrap text-accent underline underline-offset-2"
      >
        {t.traffic.traceItem}
      </Link>
    </span>
  );
}
