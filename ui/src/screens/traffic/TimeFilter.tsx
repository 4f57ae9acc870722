import { now } from "@/shared/clock";
import { Select } from "@/shared/form";
import { t } from "@/text";
import { type Filters, isBetween, isSpan, localTime, SPANS, type SpanName, wireTime } from "./filters";

const BETWEEN = "between";
const field = "h-7 min-w-0 rounded-md border border-control bg-surface px-1.5 max-sm:basis-full";

/** When the requests began: in a span that ends now, or between two times. */
export function TimeFilter({
  filters,
  onChange,
}: {
  filters: Filters;
  onChange: (part: Pick<Filters, "since" | "until">) => void;
}) {
  const { since, until } = filters;
  const between = isBetween(filters);
  const choose = (value: string) =>
    onChange({
      // The last hour, to begin with.
      since: value === BETWEEN ? wireTime(localTime(new Date(now() - SPANS["1h"]).toISOString())) : value,
      until: "",
    });
  return (
    <>
      <Select
        hideLabel
        className="max-sm:min-w-32 max-sm:flex-1"
        label={t.traffic.time.label}
        value={between ? BETWEEN : since}
        onChange={(event) => choose(event.target.value)}
      >
        <option value="">{t.traffic.time.any}</option>
        {(Object.keys(SPANS) as SpanName[]).map((span) => (
          <option key={span} value={span}>
            {t.traffic.time.span[span]}
          </option>
        ))}
        <option value={BETWEEN}>{t.traffic.time.between}</option>
      </Select>
      {between && (
        <div className="flex min-w-0 flex-wrap items-center gap-1.5 max-sm:basis-full">
          <input
            type="datetime-local"
            aria-label={t.traffic.time.from}
            title={t.traffic.time.from}
            className={field}
            value={localTime(isSpan(since) ? "" : since)}
            onChange={(event) => onChange({ since: wireTime(event.target.value), until })}
          />
          <span className="text-muted max-sm:hidden" aria-hidden="true">
            {t.traffic.time.dash}
          </span>
          <input
            type="datetime-local"
            aria-label={t.traffic.time.to}
            title={t.traffic.time.to}
            className={field}
            value={localTime(until)}
            onChange={(event) => onChange({ since, until: wireTime(event.target.value) })}
          />
        </div>
      )}
    </>
  );
}
