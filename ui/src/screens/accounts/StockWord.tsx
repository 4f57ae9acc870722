import type { Stock } from "@/bindings/Stock";
import { StateWord } from "@/shared/Mark";
import { t } from "@/text";

const words = t.accounts.stock;

/** How many KeyPackages of a client lie here, with a warning where they run out. */
export function StockWord({ stock }: { stock: Stock | null }) {
  if (stock === null) {
    return (
      <span className="text-sm text-muted" title={words.noneHint}>
        {words.none}
      </span>
    );
  }
  return (
    <span className="inline-flex flex-wrap items-center gap-x-2 text-sm" title={words.hint}>
      <span className="text-muted">
        {words.has(stock.available)}
        {stock.last_resort && <span title={words.lastResortHint}> {words.lastResort}</span>}
      </span>
      {stock.low && (
        <StateWord tone="warn" shape="triangle" title={words.lowHint}>
          {words.low}
        </StateWord>
      )}
      {stock.to_come > 0 && (
        <StateWord tone="warn" shape="triangle" title={words.toComeHint}>
          {words.toCome(stock.to_come)}
        </StateWord>
      )}
    </span>
  );
}
