import { Link } from "@tanstack/react-router";
import { Route } from "lucide-react";
import type { LogEntry } from "@/bindings/LogEntry";
import { clientName, nameOf, userOfClient } from "@/domain/node/identifiers";
import { Tip } from "@/shared/Button";
import { count } from "@/shared/format";
import { Ago, Bytes, CopyButton } from "@/shared/values";
import { t } from "@/text";

/** Events of a log: what happened, by whom, and the hash of each; those that count can be traced. */
export function Events({ group, events }: { group: string | null; events: readonly LogEntry[] }) {
  if (events.length === 0) return <p className="text-muted">{t.groups.eventsEmpty}</p>;
  return (
    <ol className="divide-y divide-line">
      {events.map((event) => (
        <li
          key={event.seq}
          className="grid grid-cols-[2.75rem_1fr_auto] items-baseline gap-x-2 py-0.5"
          data-testid={`event-${event.seq}`}
        >
          <span className="text-right text-muted" title={t.groups.headHint}>
            {count(event.seq)}
          </span>
          <span className="min-w-0">
            <span className="font-medium" title={t.groups.kindHint[event.kind]}>
              {t.groups.kind[event.kind]}
            </span>{" "}
            <span className="text-muted" title={event.sender}>
              {t.groups.byClient(`${nameOf(userOfClient(event.sender))} (${clientName(event.sender)})`)}
            </span>
          </span>
          <span className="flex items-center gap-x-2 text-sm whitespace-nowrap text-muted">
            {event.bytes > 0 ? (
              <Bytes n={event.bytes} />
            ) : (
              <span title={t.groups.noContentHint}>{t.groups.noContent}</span>
            )}
            <Ago at={event.time} className="min-w-16 text-right" />
            <CopyButton always value={event.hash} what={t.groups.eventHash} />
            {group !== null && (
              <Tip text={t.trace.traceEvent(event.seq)}>
                <Link
                  to="/doctor/trace"
                  search={{ group, seq: String(event.seq) }}
                  aria-label={t.trace.traceEvent(event.seq)}
                  className="inline-flex size-6 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-ink"
                >
                  <Route className="size-3.5" aria-hidden="true" />
                </Link>
              </Tip>
            )}
          </span>
        </li>
      ))}
    </ol>
  );
}
