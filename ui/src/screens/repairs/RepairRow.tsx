import type { Repair } from "@/bindings/Repair";
import { Alias } from "@/domain/demo/Alias";
import { GuideLink } from "@/domain/guide/GuideLink";
import { useRepairActions } from "@/domain/repair/hooks";
import { RepairActions } from "@/domain/repair/RepairActions";
import { repairRemedy, severityMarks } from "@/domain/repair/words";
import { Button } from "@/shared/Button";
import { Mark } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Ago, Lasting } from "@/shared/values";
import { t } from "@/text";

/** Something that is wrong: the node's sentence, since when, what suffers, who has to act, what to do, and the way there. */
export function RepairRow({ repair }: { repair: Repair }) {
  const actions = useRepairActions();
  const { suffers, subject, ignored } = repair;
  const hurt = t.repairs.suffers(suffers);
  return (
    <li data-testid={`repair-${repair.code}`} className="grid gap-1.5 px-3 py-3">
      <div className="flex items-start gap-2">
        <Mark {...severityMarks[repair.severity]} className="mt-1" />
        <p className="min-w-0 font-semibold wrap-anywhere">
          <span className="sr-only">{t.repairs.severity[repair.severity][0]}: </span>
          <bdi>{lineText(repair.text, 600)}</bdi>
          {subject.type === "peer" && <Alias provider={subject.provider} />}
        </p>
      </div>
      <div className="grid gap-1.5 pl-5">
        <p className="text-sm text-muted">
          {t.repairs.since} <Lasting since={repair.since} coarse /> · {t.repairs.seen}{" "}
          <Ago at={repair.seen} />
          {repair.ignored_at !== null && (
            <>
              {" · "}
              {t.repairs.ignoredAt} <Ago at={repair.ignored_at} />
            </>
          )}{" "}
          · <span title={t.peers.codeHint}>{t.repairs.code}</span>{" "}
          <code className="font-mono">{repair.code}</code>
        </p>
        {hurt !== "" && (
          <p>
            <span className="font-medium">{t.repairs.suffersLead}:</span> {hurt}.
          </p>
        )}
        {!ignored && (
          <div className="border-l-2 border-accent pl-2">
            <p>
              <span className="font-medium">{t.repairs.side[repair.side]}</span> {repairRemedy(repair)}
            </p>
            <GuideLink code={repair.code} stage={repair.stage} />
          </div>
        )}
        <div className="flex flex-wrap gap-1.5">
          {!ignored && <RepairActions repair={repair} />}
          {ignored ? (
            <Button onClick={() => actions.unignore(repair)}>{t.repairs.unignore}</Button>
          ) : (
            <Button look="quiet" title={t.repairs.ignoreHint} onClick={() => actions.ignore(repair)}>
              {t.repairs.ignore}
            </Button>
          )}
        </div>
      </div>
    </li>
  );
}
