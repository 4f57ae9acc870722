/** The parts of a request as bars: beside its row, and in its details. */
import type { Traffic } from "@/bindings/Traffic";
import { cx } from "@/shared/class";
import { useNow } from "@/shared/clock";
import { duration } from "@/shared/format";
import { t } from "@/text";
import { isOverOpenConnection, type Part, type Span, waterfall } from "./waterfall";

/** The way there, a wait, what comes over, and what we do ourselves. A wait is empty: nobody works. */
const looks: Record<Part, string> = {
  dns: "part-way",
  connect: "part-way",
  tls: "part-way",
  wait: "part-wait",
  transfer: "part-transfer",
  verify: "part-work",
  store: "part-work",
};

const words = t.traffic.part;

function Bar({ span: { part, from, to, grows } }: { span: Span }) {
  const percent = (share: number) => `${(share * 100).toFixed(2)}%`;
  return (
    <span
      data-part={part}
      className={cx("part absolute inset-y-0 min-w-0.5", looks[part], grows && "part-grows")}
      // The thinnest at the end stands before it, not behind.
      style={{ left: `min(${percent(from)}, 100% - 2px)`, width: percent(to - from) }}
    />
  );
}

/** All of it in one bar, with its parts in words on hover. */
export function TimingBar({ record }: { record: Traffic }) {
  return record.waiting ? <GrowingBar record={record} /> : <BarAt record={record} now={0} />;
}

function GrowingBar({ record }: { record: Traffic }) {
  return <BarAt record={record} now={useNow()} />;
}

function BarAt({ record, now }: { record: Traffic; now: number }) {
  const { spans } = waterfall(record, now);
  if (spans.length === 0) return null;
  const told = spans.map(({ part, ms }) => `${words[part]} ${duration(ms)}`).join("\n");
  return (
    <span className="relative block h-2.5 rounded-[2px] bg-sunken" title={told} aria-hidden="true">
      {spans.map((span) => (
        <Bar key={span.part} span={span} />
      ))}
    </span>
  );
}

/** Each part with its word, its bar and what it took. */
export function TimingTable({ record }: { record: Traffic }) {
  return record.waiting ? <GrowingTable record={record} /> : <TableAt record={record} now={0} />;
}

function GrowingTable({ record }: { record: Traffic }) {
  return <TableAt record={record} now={useNow()} />;
}

function TableAt({ record, now }: { record: Traffic; now: number }) {
  const { spans, rest } = waterfall(record, now);
  const isOpen = isOverOpenConnection(record);
  return (
    <>
      {isOpen && <p className="mb-1 text-muted">{t.traffic.openConnection}</p>}
      {spans.length === 0 ? (
        <p className="text-muted">{t.traffic.noParts}</p>
      ) : (
        <table className="w-full" data-testid="waterfall">
          <caption className="sr-only">{t.traffic.partsCaption}</caption>
          <thead className="sr-only">
            <tr>
              <th scope="col">{t.traffic.partColumn}</th>
              <th scope="col">{t.traffic.column.duration}</th>
            </tr>
          </thead>
          <tbody>
            {spans.map((span) => (
              <tr key={span.part} data-testid={`part-${span.part}`}>
                <th
                  scope="row"
                  title={t.traffic.partHint[record.direction][span.part]}
                  className="w-px py-0.5 pr-3 text-left font-normal whitespace-nowrap text-muted"
                >
                  {words[span.part]}
                </th>
                <td className="w-px py-0.5 pl-3 text-right whitespace-nowrap">
                  {duration(span.ms)}
                  {span.grows && <span className="sr-only"> {t.traffic.goesOn}</span>}
                </td>
                <td className="py-0.5 pl-3" aria-hidden="true">
                  <span className="relative block h-3 rounded-[2px] bg-sunken">
                    <Bar span={span} />
                  </span>
                </td>
              </tr>
            ))}
            {rest !== null && (
              <tr title={t.traffic.restHint}>
                <th scope="row" className="py-0.5 pr-3 text-left font-normal whitespace-nowrap text-muted">
                  {t.traffic.rest}
                </th>
                <td className="py-0.5 pl-3 text-right whitespace-nowrap">{duration(rest)}</td>
                <td aria-hidden="true" />
              </tr>
            )}
          </tbody>
        </table>
      )}
    </>
  );
}
