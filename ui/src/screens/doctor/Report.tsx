import { Link } from "@tanstack/react-router";
import { ClipboardCopy, Network, RotateCw } from "lucide-react";
import { type ReactNode, useId } from "react";
import type { CheckReport } from "@/bindings/CheckReport";
import { isOwn, type Look, lookerOf } from "@/domain/check/looks";
import { nextStep, plainText, type Section, sections, sectionTitle, wholeWord } from "@/domain/check/words";
import { Alias } from "@/domain/demo/Alias";
import { Button, buttonClass } from "@/shared/Button";
import { cx } from "@/shared/class";
import { copyText } from "@/shared/hooks";
import { Fault } from "@/shared/layout";
import { Mark, StateWord } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { toast } from "@/shared/toast";
import { Ago, Lasting } from "@/shared/values";
import { t } from "@/text";
import { rowGrid, StepRow } from "./StepRow";

const icon = "size-3.5";

/** What was found so far: the whole in a word and a sentence, and each step. */
export function Report({
  look,
  by,
  peer,
  actions,
  onAgain,
}: {
  look: Look;
  by: string;
  /** The peer that it is about, or that has looked. */
  peer: string | null;
  /** What else may be done from here. */
  actions?: ReactNode;
  onAgain: () => void;
}) {
  const id = useId();
  const { report, state } = look;
  const looker = lookerOf(look);
  const isRunning = state === "running";
  const steps = report?.steps ?? [];
  const { tone, shape, text } = wholeWord(report, isRunning);
  const numberOf = (verdict: string) => steps.filter((step) => step.verdict === verdict).length;
  const copy = () => {
    if (report !== null) void copyText(plainText(report, by)).then(() => toast(t.doctor.copied));
  };
  return (
    <section
      aria-labelledby={id}
      aria-busy={isRunning}
      data-testid="report"
      className="rounded-lg border border-line bg-surface"
    >
      <div className="flex flex-wrap items-start gap-x-4 gap-y-0.5 border-b border-line px-4 py-3 max-sm:px-3">
        <h2
          id={id}
          className="flex min-h-7 min-w-0 flex-1 flex-wrap items-center gap-x-2 text-lg max-lg:basis-full"
          data-testid="verdict"
        >
          <StateWord tone={tone} shape={shape}>
            {text}
          </StateWord>{" "}
          <LookedAt look={look} />
        </h2>
        <div className="flex flex-wrap gap-1.5 max-lg:order-last max-lg:mt-1 max-lg:w-full">
          {actions}
          {peer !== null && (
            <Link to="/peers" search={{ open: peer }} title={peer} className={buttonClass({})}>
              <Network className={icon} aria-hidden="true" />
              {t.doctor.inPeers}
            </Link>
          )}
          <Button
            disabled={steps.length === 0}
            icon={<ClipboardCopy className={icon} aria-hidden="true" />}
            onClick={copy}
          >
            {t.doctor.copy}
          </Button>
          <Button
            disabled={isRunning}
            data-testid="look-again"
            icon={<RotateCw className={icon} aria-hidden="true" />}
            onClick={onAgain}
          >
            {t.doctor.again}
          </Button>
        </div>
        <div className="w-full">
          <p role="status" className="max-w-[60rem] wrap-anywhere" data-testid="summary">
            {report !== null && (report.is_finished || report.verdict === "fail") ? (
              <bdi>{lineText(report.summary, 2_000)}</bdi>
            ) : (
              isRunning && (
                <span className="text-muted">
                  {looker === null ? t.doctor.running : t.doctor.awaited(lineText(looker, 300))}
                </span>
              )
            )}
          </p>
          {report !== null && (
            <p className="mt-0.5 text-sm text-muted">
              {t.doctor.count(steps.length, numberOf("fail"), numberOf("warn"))} · {t.doctor.began}{" "}
              <Ago at={report.began} />
            </p>
          )}
        </div>
      </div>
      {state === "gone" && (
        <div className="p-3">
          <Fault>
            {t.doctor.gone} {steps.length > 0 && t.doctor.cutShort}
          </Fault>
        </div>
      )}
      {report !== null &&
        sections(report).map((section, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a section is its place.
          <SectionRows key={index} section={section} of={report} />
        ))}
      {isRunning && <NextRow look={look} />}
    </section>
  );
}

/** Which provider the report is about, and as who sees it. */
function LookedAt({ look }: { look: Look }) {
  const { report, subject } = look;
  const looker = lookerOf(look);
  if (isOwn(look)) {
    return (
      <>
        <span className="font-semibold" title={report?.provider}>
          {t.doctor.me}
        </span>{" "}
        {looker !== null && (
          <span className="min-w-0 wrap-anywhere">
            {t.doctor.seenBy(lineText(looker, 300))}
            <Alias provider={looker} />
          </span>
        )}
      </>
    );
  }
  const typed = subject.kind === "provider" ? subject.typed : "";
  return (
    <>
      <bdi className="min-w-0 font-semibold wrap-anywhere">{lineText(report?.provider ?? typed, 300)}</bdi>
      <Alias provider={report?.provider ?? null} />
    </>
  );
}

/** What is being done, or whose answer is awaited, and for how long. */
function NextRow({ look }: { look: Look }) {
  const { report, heard } = look;
  const isAwaited = lookerOf(look) !== null;
  const next = nextStep(report ?? { steps: [], is_own: isOwn(look) });
  if (next === null && !isAwaited) return null;
  // A node that is asked meanwhile whether there is news says nothing of the peer.
  const since = isAwaited && report !== null ? report.began : new Date(heard).toISOString();
  return (
    <div
      className={cx(
        rowGrid,
        "px-4 py-2 text-muted max-sm:px-3",
        (report?.steps.length ?? 0) > 0 && "border-t border-line",
      )}
    >
      <Mark tone="wait" shape="ring" className="breathe translate-y-0.5" />
      <span className="col-span-2">
        {isAwaited || next === null ? t.doctor.awaitedRow : t.doctor.next(t.doctor.step[next])}
      </span>
      <Lasting since={since} className="text-right text-sm" />
    </div>
  );
}

/** Steps that belong together, under what they belong to; those about one address under that address. */
function SectionRows({ section, of }: { section: Section; of: CheckReport }) {
  const title = sectionTitle(section, of);
  return (
    <section
      aria-label={title}
      className="border-t border-line px-4 py-2 first-of-type:border-t-0 max-sm:px-3"
    >
      <h3 className="mb-0.5 text-sm font-semibold text-muted">{title}</h3>
      <ol>
        {section.groups.map(({ at, steps }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a group is its place.
          <li key={index}>
            {at === null ? (
              steps.map((step) => <StepRow key={step.name} step={step} of={of} />)
            ) : (
              <div className="my-1 ml-1.5 border-l border-line-strong pl-2.5">
                <h4 className="text-sm font-semibold">
                  <bdi className="wrap-anywhere">{lineText(at, 300)}</bdi>
                </h4>
                <ol aria-label={lineText(at, 300)}>
                  {steps.map((step, place) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place.
                    <li key={place}>
                      <StepRow step={step} of={of} isNested />
                    </li>
                  ))}
                </ol>
              </div>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}
