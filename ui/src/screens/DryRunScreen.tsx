import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import type { DryRun } from "@/bindings/DryRun";
import type { Foreseen } from "@/bindings/Foreseen";
import type { Foresight } from "@/bindings/Foresight";
import { Alias } from "@/domain/demo/Alias";
import { asSentence, sentence, useRead } from "@/domain/node/admin";
import { nameOf } from "@/domain/node/identifiers";
import { Button, buttonClass } from "@/shared/Button";
import { TextField } from "@/shared/form";
import { Fault, Panel, Screen } from "@/shared/layout";
import { type Shape, StateWord, type Tone } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { t } from "@/text";

/** What would this provider do, if somebody asked? */
export function DryRunScreen() {
  const { who }: { who?: string } = useSearch({ strict: false });
  const navigate = useNavigate();
  return (
    <Screen
      title={t.dryRun.title}
      actions={
        <Link to="/doctor" className={buttonClass({})}>
          {t.dryRun.doctor}
        </Link>
      }
    >
      <p className="mb-4 max-w-[44rem] text-muted">{t.dryRun.intro}</p>
      <WhoForm
        who={who ?? ""}
        onRun={(typed) => void navigate({ to: "/doctor/dry-run", search: { who: typed } })}
      />
      {who !== undefined && <Outcome who={who} />}
    </Screen>
  );
}

function WhoForm({ who, onRun }: { who: string; onRun: (typed: string) => void }) {
  const [typed, setTyped] = useState(who);
  const [error, setError] = useState<string | null>(null);
  // Another address came from a link or a step in the history.
  useEffect(() => {
    setTyped(who);
    setError(null);
  }, [who]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const text = typed.trim();
    if (text === "") setError(t.dryRun.nothing);
    else onRun(text);
  };
  return (
    <form
      noValidate
      role="search"
      aria-label={t.dryRun.title}
      onSubmit={submit}
      className="mb-4 flex max-w-[31rem] items-start gap-2"
    >
      <TextField
        className="min-w-0 flex-1"
        label={t.dryRun.field}
        hint={t.dryRun.fieldHint}
        error={error}
        value={typed}
        placeholder="bob@beta.example"
        onChange={(event) => {
          setTyped(event.target.value);
          setError(null);
        }}
      />
      {/* As high as the label, so that the button stands beside the field. */}
      <Button look="primary" type="submit" className="mt-6 h-8">
        {t.dryRun.run}
      </Button>
    </form>
  );
}

function Outcome({ who }: { who: string }) {
  const run = useRead("dry-run", { who });
  if (run.error !== null)
    return (
      <Fault onRetry={() => void run.refetch()}>
        {t.dryRun.refused} {sentence(run.error)}
      </Fault>
    );
  if (run.data === undefined) return null;
  return <Foresights run={run.data} />;
}

function Foresights({ run }: { run: DryRun }) {
  const ofProvider = run.foresights.filter(({ of }) => of === null);
  const users = [...new Set(run.foresights.flatMap(({ of }) => of ?? []))];
  return (
    <section
      aria-live="polite"
      aria-label={t.dryRun.of(run.person ?? run.provider)}
      className="max-w-[44rem]"
    >
      <h2 className="mb-1 font-semibold wrap-anywhere">
        {t.dryRun.of(run.person ?? run.provider)}
        <Alias provider={run.provider} />
      </h2>
      {run.person === null && <p className="mb-3 text-muted">{t.dryRun.somebody}</p>}
      <p className="mb-3 max-w-[44rem] text-muted">{lineText(run.presumed, 1_000)}</p>
      <Rows title={t.dryRun.provider} rows={ofProvider} />
      {users.map((user) => (
        <Rows key={user} title={nameOf(user)} rows={run.foresights.filter(({ of }) => of === user)} />
      ))}
    </section>
  );
}

const looks: Record<Foreseen, { tone: Tone; shape: Shape }> = {
  allowed: { tone: "ok", shape: "tick" },
  waits: { tone: "wait", shape: "half" },
  unseen: { tone: "muted", shape: "ring" },
  refused: { tone: "bad", shape: "cross" },
};

function Rows({ title, rows }: { title: string; rows: readonly Foresight[] }) {
  return (
    <Panel flush title={title} className="mb-4">
      <ul className="divide-y divide-line">
        {rows.map(({ asked, outcome, why, told }) => (
          <li
            key={asked}
            className="grid grid-cols-[minmax(0,1fr)_12rem] gap-x-3 gap-y-0.5 px-3 py-2 max-sm:grid-cols-1"
          >
            <span className="font-medium">{t.dryRun.asked[asked]}</span>
            <StateWord {...looks[outcome]} title={t.dryRun.outcomeHint[outcome]}>
              {t.dryRun.outcome[outcome]}
            </StateWord>
            <p className="col-span-full wrap-anywhere">{asSentence(lineText(why))}</p>
            <p className="col-span-full text-sm text-muted wrap-anywhere">
              {t.dryRun.told}: {lineText(told)}
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
