/** What is kept of the traffic on disk, in words. */
import { useKept } from "@/domain/traffic/hooks";
import { useNow } from "@/shared/clock";
import { exact, shortDay } from "@/shared/format";
import { Mark } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { t } from "@/text";

export function KeptCount() {
  const kept = useKept();
  const now = useNow();
  if (kept == null) return null;
  const { requests, since } = kept;
  return (
    <span
      data-testid="traffic-kept"
      title={since === null ? t.traffic.keptHint : `${t.traffic.keptHint}\n${exact(since)}`}
    >
      {" · "}
      {t.traffic.kept(requests, since === null ? null : shortDay(since, now))}
    </span>
  );
}

/** Where something is not kept as it should be, or nothing is: a sentence on that. */
export function KeptNote() {
  const kept = useKept();
  if (kept === undefined) return null;
  if (kept === null) return <Note tone="muted">{t.traffic.keptNothing}</Note>;
  const { fault, lost } = kept;
  if (fault !== null) return <Note tone="bad">{t.traffic.keptFault(lineText(fault, 500), lost)}</Note>;
  return lost > 0 ? <Note tone="warn">{t.traffic.keptLost(lost)}</Note> : null;
}

function Note({ tone, children }: { tone: "bad" | "warn" | "muted"; children: string }) {
  const grounds = {
    bad: "bg-bad-soft text-bad",
    warn: "bg-warn-soft text-warn",
    muted: "bg-sunken text-muted",
  };
  return (
    <p
      role="status"
      data-testid="traffic-note"
      className={`flex items-start gap-2 border-b border-line px-4 py-1.5 max-sm:px-3 ${grounds[tone]}`}
    >
      <Mark tone={tone} shape={tone === "muted" ? "ring" : "triangle"} className="mt-1" />
      <span className="min-w-0 wrap-anywhere">{children}</span>
    </p>
  );
}
