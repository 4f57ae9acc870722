import { Download, GitCompareArrows } from "lucide-react";
import { useId } from "react";
import type { Comparison } from "@/bindings/Comparison";
import type { CopyFinding } from "@/bindings/CopyFinding";
import type { GroupFork } from "@/bindings/GroupFork";
import type { SignedCheckpoint } from "@/bindings/SignedCheckpoint";
import { useComparison, useExportEvidence } from "@/domain/comparison/hooks";
import { copyMark, copyRemedy, copyWord, isAlarming } from "@/domain/comparison/words";
import { Alias } from "@/domain/demo/Alias";
import { GuideLink } from "@/domain/guide/GuideLink";
import { asSentence } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Fault, InspectorPart } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Ago, Ident } from "@/shared/values";
import { t } from "@/text";

const icon = "size-3.5";
const LONGEST_TEXT = 2_000;
const words = t.comparison;

/** Whether our copy of the log is that of the others. */
export function CompareCopies({ group }: { group: string }) {
  const { comparison, isRunning, fault, begin } = useComparison(group);
  return (
    <InspectorPart
      title={words.title}
      actions={
        <Button
          small
          disabled={isRunning}
          data-testid="compare"
          icon={<GitCompareArrows className={icon} aria-hidden="true" />}
          onClick={begin}
        >
          {comparison === null ? words.begin : words.again}
        </Button>
      }
    >
      <div aria-busy={isRunning} data-testid="comparison">
        <p
          role="status"
          className={cx(
            "wrap-anywhere",
            comparison === null ? "text-muted" : isAlarming(comparison) && "text-bad",
          )}
        >
          {comparison === null ? (
            isRunning ? (
              words.asking
            ) : (
              fault === null && words.hint
            )
          ) : isRunning ? (
            words.running(comparison.findings.length, comparison.providers)
          ) : (
            <bdi>{lineText(comparison.summary, LONGEST_TEXT)}</bdi>
          )}
        </p>
        {fault !== null && <Fault onRetry={begin}>{fault}</Fault>}
        {comparison !== null && <Findings comparison={comparison} />}
      </div>
    </InspectorPart>
  );
}

function Findings({ comparison }: { comparison: Comparison }) {
  return (
    <ul className="mt-1 divide-y divide-line">
      {comparison.findings.map((finding) => (
        <Found key={finding.provider} finding={finding} isOurs={comparison.is_ours} />
      ))}
    </ul>
  );
}

/** What was found at one provider: its name, the verdict, a sentence, what to do, and what the keeper has signed. */
function Found({ finding, isOurs }: { finding: CopyFinding; isOurs: boolean }) {
  const todo = copyRemedy(finding);
  const id = useId();
  return (
    <li className="py-1.5" aria-labelledby={id} data-testid={`copy-${finding.provider}`}>
      <div className="flex flex-wrap items-baseline gap-x-2">
        <span id={id} className="font-semibold wrap-anywhere">
          {finding.provider}
          <Alias provider={finding.provider} />
        </span>
        {finding.is_owner && <span className="text-sm text-muted">{words.keeper}</span>}
        <StateWord {...copyMark[finding.verdict]} className="ml-auto text-sm">
          {copyWord(finding, isOurs)}
        </StateWord>
      </div>
      <p className="text-sm text-muted wrap-anywhere">
        <bdi>{asSentence(lineText(finding.text, LONGEST_TEXT))}</bdi>
      </p>
      {todo !== null && (
        <p className="my-1 border-l-2 border-accent pl-2 text-sm">
          {finding.side !== null && <span className="font-semibold">{t.doctor.side[finding.side]} </span>}
          {todo} <GuideLink code={finding.code} stage={finding.stage} />
        </p>
      )}
      {finding.checkpoint !== null && <Signed checkpoint={finding.checkpoint} />}
    </li>
  );
}

function Signed({ checkpoint }: { checkpoint: SignedCheckpoint }) {
  const { seq, hash, signed, key, agrees } = checkpoint;
  return (
    <p className="text-sm text-muted" title={words.signedHint}>
      {words.signed} <Ago at={signed} />: {words.event(seq)},{" "}
      <span className={cx(agrees === false && "font-medium text-bad")}>
        {agrees === null ? words.unknown : agrees ? words.agrees : words.disagrees}
      </span>
      . <Ident value={hash} what={words.hash} mono className="text-xs" /> {words.withKey}{" "}
      <Ident value={key} what={words.key} mono className="text-xs" />
    </p>
  );
}

/** That the group's keeper has told two stories, on top of all else, with what proves it. */
export function Forks({ group, forks }: { group: string; forks: readonly GroupFork[] }) {
  const save = useExportEvidence(group);
  const id = useId();
  if (forks.length === 0) return null;
  return (
    <section
      aria-labelledby={id}
      className="mt-2 rounded-md border border-bad bg-bad-soft px-2.5 py-2"
      data-testid="forks"
    >
      <h3 id={id}>
        <StateWord tone="bad" shape="cross">
          {words.incident}
        </StateWord>
      </h3>
      <p className="text-sm">{words.incidentHint}</p>
      <ul className="mt-1">
        {forks.map((fork) => (
          <li key={`${fork.seq} ${fork.found}`} className="mt-1 wrap-anywhere">
            <bdi>{lineText(fork.text, LONGEST_TEXT)}</bdi>{" "}
            <span className="text-sm text-muted">
              {fork.is_proved ? words.proved : words.unproved}, {words.found} <Ago at={fork.found} />
            </span>
          </li>
        ))}
      </ul>
      <Button
        small
        className="mt-2"
        title={words.evidenceHint}
        icon={<Download className={icon} aria-hidden="true" />}
        onClick={() => void save()}
      >
        {words.evidence}
      </Button>
    </section>
  );
}
