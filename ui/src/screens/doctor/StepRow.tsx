import { ChevronRight } from "lucide-react";
import { useId, useState } from "react";
import type { CheckEvidence } from "@/bindings/CheckEvidence";
import type { CheckReport } from "@/bindings/CheckReport";
import type { CheckStep } from "@/bindings/CheckStep";
import { actor, stepHint, stepRemedy, verdictMark } from "@/domain/check/words";
import { GuideLink } from "@/domain/guide/GuideLink";
import { ADDRESS_REFUSED, AllowAddress } from "@/domain/peer/AllowAddress";
import { isNotVouchedFor, TrustCertificate } from "@/domain/peer/TrustCertificate";
import { IconButton } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Mark } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Duration, Ident } from "@/shared/values";
import { t } from "@/text";

/** Mark, name, sentence, time, and what unfolds the evidence; on a phone the sentence has a line of its own. */
export const rowGrid =
  "grid grid-cols-[0.75rem_8.5rem_minmax(0,1fr)_3.5rem_1.5rem] items-baseline gap-x-2 max-sm:grid-cols-[0.75rem_minmax(0,1fr)_auto_1.5rem]";
/** Under an address: as much narrower as it is indented, so that all sentences begin at one line. */
const nestedGrid =
  "grid grid-cols-[0.75rem_7.4375rem_minmax(0,1fr)_3.5rem_1.5rem] items-baseline gap-x-2 max-sm:grid-cols-[0.75rem_minmax(0,1fr)_auto_1.5rem]";
const wordsPlace = "col-start-3 min-w-0 max-sm:col-span-3 max-sm:col-start-2 max-sm:row-start-2";
const belowPlace = "col-span-3 col-start-3 min-w-0 max-sm:col-start-2";

const LONGEST_TEXT = 2_000;
/** What takes less took no time: nothing was asked for. */
const LEAST_MS = 0.05;

/** One step: what was seen, who has to act and what to do where something is wrong, and the evidence. */
export function StepRow({ step, of, isNested }: { step: CheckStep; of: CheckReport; isNested?: boolean }) {
  const todo = stepRemedy(step, of);
  const [isOpen, setOpen] = useState(todo !== null);
  const id = useId();
  const name = t.doctor.step[step.name];
  const { evidence, verdict } = step;
  return (
    <div className={cx(isNested ? nestedGrid : rowGrid, "py-0.5")} data-testid={`step-${step.name}`}>
      <Mark {...verdictMark[verdict]} className="translate-y-px" />
      <span className="font-medium" title={stepHint(step, of)}>
        {name}
        <span className="sr-only">: {t.doctor.verdict[verdict]}</span>
      </span>
      <span className={cx(wordsPlace, todo === null && "text-muted")}>
        <bdi className="wrap-anywhere select-text">{lineText(step.text, LONGEST_TEXT)}</bdi>
      </span>
      <span className="col-start-4 text-right text-sm text-muted max-sm:col-start-3 max-sm:row-start-1">
        {step.duration_ms >= LEAST_MS && <Duration ms={step.duration_ms} />}
      </span>
      {/* The button is larger than a line, and no row grows by it. */}
      <span className="relative col-start-5 h-5 self-start max-sm:col-start-4 max-sm:row-start-1">
        {evidence.length > 0 && (
          <IconButton
            label={t.doctor.evidenceOf(name)}
            aria-expanded={isOpen}
            aria-controls={id}
            className="absolute -top-0.5 right-0 size-6!"
            onClick={() => setOpen(!isOpen)}
          >
            <ChevronRight className={cx("size-3.5", isOpen && "rotate-90")} aria-hidden="true" />
          </IconButton>
        )}
      </span>
      {todo !== null && (
        <div className={cx(belowPlace, "mt-1 border-l-2 border-accent pl-2")} data-testid="todo">
          <span className="font-semibold">{t.doctor.side[actor(step)]}</span>{" "}
          {step.code !== null && (
            <span className="ml-1 text-sm text-muted max-sm:ml-0 max-sm:block" title={t.peers.codeHint}>
              {t.peers.code}{" "}
              <code className="font-mono select-text wrap-anywhere">{lineText(step.code)}</code>
            </span>
          )}{" "}
          <span className="block">{todo}</span>
          <GuideLink code={step.code} stage={step.stage} />
          {step.name === "tls" && !of.is_own && isNotVouchedFor(step) && (
            <div className="mt-3">
              <TrustCertificate provider={of.provider} />
            </div>
          )}
        </div>
      )}
      {isRefusedHere(step, of) && (
        <div className={cx(belowPlace, "mt-2 mb-1")}>
          <AllowAddress provider={of.provider} />
        </div>
      )}
      {isOpen && evidence.length > 0 && (
        <div id={id} className={belowPlace}>
          <Evidence evidence={evidence} />
        </div>
      )}
    </div>
  );
}

/** Whether this node connects to no address of a peer, which its operator can allow. */
function isRefusedHere({ code, verdict }: CheckStep, { is_own, seen_by }: CheckReport): boolean {
  return code === ADDRESS_REFUSED && verdict === "fail" && !is_own && seen_by === null;
}

function Evidence({ evidence }: { evidence: readonly CheckEvidence[] }) {
  return (
    <dl
      aria-label={t.doctor.evidence}
      className="mt-1 mb-1.5 grid grid-cols-[minmax(6rem,max-content)_minmax(0,1fr)] gap-x-3 gap-y-0.5 rounded-md border border-line bg-sunken py-1.5 pr-7 pl-2 text-sm max-sm:grid-cols-1 max-sm:pr-2"
    >
      {evidence.map(({ what, value }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a piece of evidence is its place.
        <div key={index} className="contents max-sm:block">
          <dt className="text-muted">{lineText(what)}</dt>
          <dd className="min-w-0">
            <Ident value={value} what={lineText(what)}>
              <bdi>{lineText(value, LONGEST_TEXT)}</bdi>
            </Ident>
          </dd>
        </div>
      ))}
    </dl>
  );
}
