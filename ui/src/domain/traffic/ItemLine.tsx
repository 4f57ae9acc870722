import type { TrafficItem } from "@/bindings/TrafficItem";
import { count } from "@/shared/format";
import { t } from "@/text";
import { itemText } from "./words";

/** An item of a page, or something submitted, with its number. */
export function ItemLine({ item }: { item: TrafficItem }) {
  return (
    <span className="flex gap-3">
      <span className="w-12 text-right text-muted">{item.seq === 0 ? t.units.unknown : count(item.seq)}</span>
      <span className="min-w-0 font-medium wrap-anywhere">{itemText(item.kind)}</span>
    </span>
  );
}
