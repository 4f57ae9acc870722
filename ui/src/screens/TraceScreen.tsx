import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { RotateCw, Route, Waypoints } from "lucide-react";
import { type FormEvent, useEffect, useId, useState } from "react";
import type { ToldElsewhere } from "@/bindings/ToldElsewhere";
import type { Trace } from "@/bindings/Trace";
import type { TraceStep } from "@/bindings/TraceStep";
import { Alias } from "@/domain/demo/Alias";
import { asSentence, sentence, useRead } from "@/domain/node/admin";
import { clientName, nameOf, userOfClient } from "@/domain/node/identifiers";
import { type TracePlace, traceOf, typedOf, typedTrace } from "@/domain/trace/place";
import { codeMark, parts, stateMark, type TracePart } from "@/domain/trace/words";
import { Button } from "@/shared/Button";
import { cx } from "@/shared/class";
import { TextField } from "@/shared/form";
import { span } from "@/shared/format";
import { Fault, Loading, Screen } from "@/shared/layout";
import { Mark, StateWord } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Ago, Breakable, Fact, Facts, Ident } from "@/shared/values";
import { t } from "@/text";

const icon = "size-3.5";
const LONGEST_TEXT = 2_000;
const words = t.trace;
/** Somewhere else it goes on without an event here. */
const EVERY_MS = 5_000;

/** Where is one message on its way, and why has it not arrived? */
export function TraceScreen() {
  const place: TracePlace = useSearch({ strict: false });
  const navigate = useNavigate();
  // What was traced before is not the answer to what cannot be traced.
  const [isRefused, setRefused] = useState(false);
  return (
    <Screen title={words.title} actions={<span className="text-muted">{words.question}</span>}>
      <p className="mb-2">
        <Link to="/doctor" className="text-accent underline underline-offset-2">
          {words.back}
        </Link>
      </p>
      <TraceForm
        place={place}
        onTrace={(wanted) => void navigate({ to: "/doctor/trace", search: wanted })}
        onRefused={setRefused}
      />
      {!isRefused && <Traced place={place} />}
    </Screen>
  );
}

function TraceForm({
  place,
  onTrace,
  onRefused,
}: {
  place: TracePlace;
  onTrace: (place: TracePlace) => void;
  /** Whether what was typed is nothing that can be traced. */
  onRefused: (isRefused: boolean) => void;
}) {
  const there = typedOf(place);
  const [typed, setTyped] = useState(there);
  const [error, setError] = useState<string | null>(null);
  useEffect(() => {
    setTyped(there);
    setError(null);
    onRefused(false);
  }, [there, onRefused]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wanted = typedTrace(typed);
    onRefused(wanted === null);
    if (wanted === null) setError(words.nothing);
    else onTrace(wanted);
  };
  return (
    <form
      noValidate
      role="search"
      aria-label={words.title}
      onSubmit={submit}
      className="mb-4 flex max-w-[44rem] items-start gap-2"
    >
      <TextField
        className="min-w-0 flex-1"
        label={words.field}
        hint={words.fieldHint}
        error={error}
        value={typed}
        placeholder="mimi://home.example/g/tea 7"
        onChange={(event) => {
          setTyped(event.target.value);
          setError(null);
        }}
      />
      <Button
        look="primary"
        type="submit"
        className="mt-6 h-8"
        icon={<Route className={icon} aria-hidden="true" />}
      >
        {words.look}
      </Button>
    </form>
  );
}

function Traced({ place }: { place: TracePlace }) {
  const wanted = traceOf(place);
  const read = useRead("trace", wanted ?? {}, { enabled: wanted !== null, every: EVERY_MS });
  if (wanted === null) return <p className="max-w-[44rem] text-muted">{words.intro}</p>;
  if (read.data === undefined) {
    return read.error === null ? (
      <Loading />
    ) : (
      <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>
    );
  }
  return <Whole trace={read.data} onAgain={() => void read.refetch()} />;
}

/** Where it stands, what it is, and each step. */
function Whole({ trace, onAgain }: { trace: Trace; onAgain: () => void }) {
  const id = useId();
  const { group, seq, sender, submission, since } = trace;
  return (
    <section
      aria-labelledby={id}
      data-testid="trace"
      className="max-w-[60rem] rounded-lg border border-line bg-surface"
    >
      <div className="border-b border-line px-4 py-3 max-sm:px-3">
        <div className="flex flex-wrap items-start gap-x-4">
          <h2 id={id} className="flex min-h-7 flex-1 flex-wrap items-center gap-x-2 text-lg">
            <StateWord {...codeMark[trace.code]}>{words.code[trace.code]}</StateWord>
            {seq !== null && <span className="font-semibold">{words.event(seq)}</span>}
          </h2>
          <Button icon={<RotateCw className={icon} aria-hidden="true" />} onClick={onAgain}>
            {words.again}
          </Button>
        </div>
        <p role="status" className="wrap-anywhere" data-testid="stands">
          <bdi>{lineText(trace.text, LONGEST_TEXT)}</bdi>{" "}
          {since !== null && (
            <span className="whitespace-nowrap text-muted">
              {words.since} <Ago at={since} />.
            </span>
          )}
        </p>
        {trace.side !== null && <p className="font-semibold">{t.doctor.side[trace.side]}</p>}
        <Facts className="mt-2 text-sm">
          {group !== null && (
            <Fact name={words.group}>
              <Link to="/groups" search={{ open: group }} className="hover:underline">
                <Breakable text={group} />
              </Link>
            </Fact>
          )}
          {sender !== null && (
            <Fact name={words.sender}>
              <Ident value={sender} what={words.sender} />
            </Fact>
          )}
          {submission !== null && (
            <Fact name={words.submission}>
              <Ident value={submission} what={words.submission} mono />
            </Fact>
          )}
        </Facts>
      </div>
      {parts(trace).map((part, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place.
        <Part key={index} part={part} isFirst={index === 0} />
      ))}
      {group !== null && seq !== null && trace.code !== "refused" && (
        <Others key={`${group} ${seq}`} group={group} seq={seq} />
      )}
    </section>
  );
}

/** What the other providers know of it, once they are asked. */
function Others({ group, seq }: { group: string; seq: number }) {
  const [isAsked, setAsked] = useState(false);
  const read = useRead("trace-elsewhere", { group, seq }, { enabled: isAsked });
  const ask = () => (isAsked ? void read.refetch() : setAsked(true));
  const isAsking = isAsked && read.isFetching;
  return (
    <div className="border-t border-line" data-testid="elsewhere">
      {read.data?.told.map((told) => (
        <Told key={told.provider} told={told} />
      ))}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2 max-sm:px-3" role="status">
        <Button
          icon={<Waypoints className={icon} aria-hidden="true" />}
          aria-disabled={isAsking}
          onClick={() => !isAsking && ask()}
        >
          {isAsking ? words.asking : words.ask}
        </Button>
        {read.error !== null && <span className="text-bad">{sentence(read.error)}</span>}
        {read.data === undefined && read.error === null && (
          <span className="text-muted">{words.askHint}</span>
        )}
        {read.data?.told.length === 0 && <span className="text-muted">{words.nobodyElse}</span>}
      </div>
    </div>
  );
}

function Told({ told: { provider, steps, code, text } }: { told: ToldElsewhere }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className="border-b border-line px-4 py-2 max-sm:px-3">
      <h3 id={id} className="text-sm font-semibold text-muted wrap-anywhere">
        {words.tells(provider)}
        <Alias provider={provider} />
      </h3>
      {code !== null && (
        <p className="text-muted wrap-anywhere">
          {code === "not-found"
            ? words.notTold
            : words.notAsked(asSentence(lineText(text ?? code, LONGEST_TEXT)))}
        </p>
      )}
      {parts({ steps }).map(({ reader, steps: about }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place.
        <div key={index} className="pb-1">
          {reader !== null && (
            <h4 className="text-sm wrap-anywhere">
              {words.about(reader)}
              <Alias provider={reader} />
            </h4>
          )}
          <Steps steps={about} />
        </div>
      ))}
    </section>
  );
}

function Part({ part, isFirst }: { part: TracePart; isFirst: boolean }) {
  const id = useId();
  return (
    <section aria-labelledby={id} className={cx("px-4 py-2 max-sm:px-3", !isFirst && "border-t border-line")}>
      <h3 id={id} className="text-sm font-semibold text-muted wrap-anywhere">
        {part.reader === null ? isFirst ? words.way : words.others : <ReaderName reader={part.reader} />}
      </h3>
      <Steps steps={part.steps} />
    </section>
  );
}

function Steps({ steps }: { steps: TraceStep[] }) {
  return (
    <ol>
      {steps.map((step, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: another provider may name a step twice.
        <Step key={index} step={step} />
      ))}
    </ol>
  );
}

function ReaderName({ reader }: { reader: string }) {
  if (!reader.startsWith("mimi://"))
    return (
      <>
        {reader}
        <Alias provider={reader} />
      </>
    );
  return <span title={reader}>{words.client(clientName(reader), nameOf(userOfClient(reader)))}</span>;
}

function Step({ step }: { step: TraceStep }) {
  const { name, state, at, clock, text } = step;
  const isStanding = state === "here" || state === "failed";
  return (
    <li
      className="grid grid-cols-[0.75rem_7.5rem_minmax(0,1fr)_auto] items-baseline gap-x-2 py-0.5 max-sm:grid-cols-[0.75rem_minmax(0,1fr)_auto]"
      data-testid={`trace-${name}`}
      data-state={state}
    >
      <Mark {...stateMark[state]} className="translate-y-px" />
      <span className="font-medium" title={words.hint[name]}>
        {words.step[name]}
        <span className="sr-only">: {words.state[state]}</span>
      </span>
      <span
        className={cx(
          "min-w-0 wrap-anywhere max-sm:col-span-2 max-sm:col-start-2 max-sm:row-start-2",
          !isStanding && "text-muted",
        )}
      >
        {state !== "ahead" && <bdi>{asSentence(lineText(text, LONGEST_TEXT))}</bdi>}
        {clock !== null && (
          <span className="text-sm">
            {" "}
            (
            {clock.ahead_ms === 0
              ? words.clock(clock.of)
              : words.clockOff(clock.of, span(Math.abs(clock.ahead_ms)), clock.ahead_ms > 0)}
            )
          </span>
        )}
      </span>
      <span className="text-right text-sm text-muted max-sm:col-start-3 max-sm:row-start-1">
        {at === null ? words.state[state] : <Ago at={at} />}
      </span>
    </li>
  );
}
