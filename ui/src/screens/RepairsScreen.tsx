import type { BegunRepair } from "@/bindings/BegunRepair";
import type { Repairs } from "@/bindings/Repairs";
import { Alias } from "@/domain/demo/Alias";
import { sentence } from "@/domain/node/admin";
import { useStatus } from "@/domain/node/hooks";
import { useRepairs } from "@/domain/repair/hooks";
import { SEVERITIES, severityMarks } from "@/domain/repair/words";
import { Count, Fault, Loading, Panel, Screen } from "@/shared/layout";
import { Mark } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Ago, Lasting } from "@/shared/values";
import { t } from "@/text";
import { History } from "./repairs/History";
import { RepairRow } from "./repairs/RepairRow";

/** When it was last looked is news that no event tells. */
const LOOKED_EVERY_MS = 30_000;

/** What is wrong, and what can be done about it? */
export function RepairsScreen() {
  const read = useRepairs({ every: LOOKED_EVERY_MS });
  const list = read.data;
  return (
    <Screen title={t.repairs.title}>
      {read.error !== null && list === undefined && (
        <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>
      )}
      {list === undefined ? read.error === null && <Loading /> : <Lists list={list} />}
    </Screen>
  );
}

function Lists({ list }: { list: Repairs }) {
  const { open, ignored, begun, history, looked } = list;
  return (
    <div className="grid gap-4">
      {open.length === 0 && <NothingWrong looked={looked} hasBegun={begun.length > 0} />}
      {SEVERITIES.map((severity) => {
        const of = open.filter((repair) => repair.severity === severity);
        const [title, hint] = t.repairs.severity[severity];
        return (
          of.length > 0 && (
            <Panel
              key={severity}
              title={title}
              hint={hint}
              lead={<Mark {...severityMarks[severity]} />}
              actions={<Count n={of.length} label={t.repairs.open(of.length)} />}
              flush
              testId={`repairs-${severity}`}
            >
              <ul className="divide-y divide-line">
                {of.map((repair) => (
                  <RepairRow key={repair.id} repair={repair} />
                ))}
              </ul>
            </Panel>
          )
        );
      })}
      {begun.length > 0 && (
        <Panel
          title={t.repairs.begunTitle}
          hint={t.repairs.begunHint}
          actions={<Count n={begun.length} />}
          flush
          testId="repairs-begun"
        >
          <ul className="divide-y divide-line">
            {begun.map((each) => (
              <Begun key={`${JSON.stringify(each.subject)} ${each.kind}`} begun={each} />
            ))}
          </ul>
        </Panel>
      )}
      {ignored.length > 0 && (
        <Panel
          title={t.repairs.ignoredTitle}
          hint={t.repairs.ignoredHint}
          actions={<Count n={ignored.length} />}
          flush
          testId="repairs-ignored"
        >
          <ul className="divide-y divide-line">
            {ignored.map((repair) => (
              <RepairRow key={repair.id} repair={repair} />
            ))}
          </ul>
        </Panel>
      )}
      <History repairs={history} />
    </div>
  );
}

/** What has only begun: its sentence, since when, and when it is listed. */
function Begun({ begun: { subject, text, since, listed_after_s } }: { begun: BegunRepair }) {
  return (
    <li className="flex items-start gap-2 px-3 py-2">
      <Mark tone="wait" shape="half" className="mt-1" />
      <div className="min-w-0">
        <p className="wrap-anywhere">
          <bdi>{lineText(text, 600)}</bdi>
          {subject.type === "peer" && <Alias provider={subject.provider} />}
        </p>
        <p className="text-sm text-muted">
          {t.repairs.since} <Lasting since={since} /> · {t.repairs.begunAfter(listed_after_s)}
        </p>
      </div>
    </li>
  );
}

/** What was looked at, and what this node cannot know. */
function NothingWrong({ looked, hasBegun }: { looked: string | null; hasBegun: boolean }) {
  const peers = useStatus().data?.node?.peers ?? 0;
  return (
    <section
      aria-label={t.repairs.emptyTitle}
      data-testid="nothing-wrong"
      className="flex items-start gap-3 rounded-lg border border-line bg-surface px-4 py-4"
    >
      <Mark
        tone={looked === null || hasBegun ? "wait" : "ok"}
        shape={looked === null || hasBegun ? "half" : "tick"}
        className="mt-1 size-4"
      />
      <div className="grid max-w-[44rem] gap-1">
        {looked === null ? (
          <p className="font-semibold">{t.repairs.notLooked}</p>
        ) : (
          <>
            <p className="font-semibold">{hasBegun ? t.repairs.emptyBegun : t.repairs.emptyTitle}</p>
            <p>{t.repairs.lookedAt(peers)}</p>
            <p className="text-muted">{t.repairs.cannotSee}</p>
            <p className="text-sm text-muted">
              {t.repairs.looked} <Ago at={looked} />.
            </p>
          </>
        )}
      </div>
    </section>
  );
}
