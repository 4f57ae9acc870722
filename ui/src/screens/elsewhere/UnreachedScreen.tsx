import { Link2Off } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { CertificateChange } from "@/bindings/CertificateChange";
import type { Machine } from "@/bindings/Machine";
import type { MachineFault } from "@/bindings/MachineFault";
import type { MachineStep } from "@/bindings/MachineStep";
import { type Shown, useShown } from "@/domain/machine/shown";
import { machineName } from "@/domain/machine/words";
import { asSentence, sentence } from "@/domain/node/admin";
import { Button } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Fault } from "@/shared/layout";
import { Mark } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { toast } from "@/shared/toast";
import { Ident, Lasting } from "@/shared/values";
import { t } from "@/text";
import { AddMachine } from "./AddMachine";
import { ForgetMachine } from "./ForgetMachine";
import { SwitcherAbove } from "./Switcher";

const words = t.elsewhere.unreached;

const STEPS = [
  "name",
  "connect",
  "certificate",
  "answer",
  "session",
] as const satisfies readonly MachineStep[];

/** The machine that is shown cannot be used: at which step that fails, what to do, and that it is tried again by itself. */
export function UnreachedScreen({ fault }: { fault: MachineFault | null }) {
  const shown = useShown();
  if (shown === null || shown.machine === null) return null;
  const { machine } = shown;
  return (
    <main className="h-full overflow-y-auto" id="content">
      <div className="mx-auto max-w-[44rem] px-6 py-10 max-sm:px-4 max-sm:py-6">
        <SwitcherAbove />
        <div className="flex items-start gap-3">
          <Link2Off className="mt-1.5 size-5 shrink-0 text-muted" aria-hidden="true" />
          <div className="min-w-0">
            <h1 className="text-2xl font-semibold wrap-anywhere" data-testid="unreached">
              {title(machine, fault)}
            </h1>
            <p className="mt-1 text-muted wrap-anywhere">{machine.origin}</p>
          </div>
        </div>
        {fault !== null && (
          <div className="mt-6 grid grid-cols-[minmax(0,1fr)] gap-5">
            <Steps fault={fault} />
            <Remedy shown={shown} machine={machine} fault={fault} />
            <Below shown={shown} machine={machine} />
          </div>
        )}
      </div>
    </main>
  );
}

function title(machine: Machine, fault: MachineFault | null): string {
  const name = machineName(machine);
  if (fault === null) return words.connecting(name);
  if (fault.certificate !== null) return words.certificate(name);
  return fault.step === "session" ? words.session(name) : words.title(name);
}

function Steps({ fault }: { fault: MachineFault }) {
  const failed = STEPS.indexOf(fault.step);
  return (
    <ol aria-label={words.steps} className="rounded-lg border border-line bg-surface">
      {STEPS.map((step, index) => {
        const state = index < failed ? "went" : index === failed ? "failed" : "untried";
        return (
          <li
            key={step}
            data-testid={`step-${step}`}
            data-state={state}
            className="flex items-start gap-2.5 border-t border-line px-3 py-2 first:border-t-0"
          >
            <span className="mt-1">
              {state === "went" && <Mark tone="ok" shape="tick" />}
              {state === "failed" && <Mark tone="bad" shape="triangle" />}
              {state === "untried" && <Mark tone="muted" shape="ring" />}
            </span>
            <span className={cx("min-w-0", state === "untried" && "text-muted")}>
              {words.step[step]}
              <span className="sr-only">: {words[state]}</span>
              {state === "failed" && (
                <span className="block text-bad wrap-anywhere" data-testid="unreached-why">
                  {why(fault)}
                </span>
              )}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** The reason as a sentence. What a provider says of an ended session is said to a browser. */
function why({ code, detail }: MachineFault): string {
  return code === "session-ended" ? words.ended : lineText(asSentence(detail), 500);
}

function Remedy({ shown, machine, fault }: { shown: Shown; machine: Machine; fault: MachineFault }) {
  if (fault.certificate !== null)
    return <Changed shown={shown} machine={machine} change={fault.certificate} />;
  if (fault.step !== "session") return <p>{words.help[fault.step]}</p>;
  return (
    <section className="grid gap-3 rounded-lg border border-line bg-surface p-4">
      <p>{words.relink}</p>
      <AddMachine shown={shown} replaces={machine.id} />
    </section>
  );
}

function Changed({ shown, machine, change }: { shown: Shown; machine: Machine; change: CertificateChange }) {
  const [fault, setFault] = useState<string | null>(null);
  const trust = async () => {
    try {
      await shown.elsewhere.trust(machine.id, change.shown);
      toast(words.changed.trusting(machineName(machine)));
    } catch (refused) {
      setFault(sentence(refused));
    }
  };
  return (
    <section className="grid grid-cols-[minmax(0,1fr)] gap-3 rounded-lg border border-line bg-surface p-4">
      <dl className="grid gap-2">
        <Fingerprint name={words.changed.confirmed} testId="confirmed-fingerprint" value={change.confirmed} />
        <Fingerprint name={words.changed.shown} testId="shown-fingerprint" value={change.shown} />
      </dl>
      <p>{words.changed.text}</p>
      {change.vouched && <p>{words.changed.vouched}</p>}
      {fault !== null && <Fault>{fault}</Fault>}
      <div>
        <Button look="danger" data-testid="trust-machine" onClick={() => void trust()}>
          {words.changed.trust}
        </Button>
      </div>
    </section>
  );
}

function Fingerprint({ name, testId, value }: { name: string; testId: string; value: string }): ReactNode {
  return (
    <div>
      <dt className="text-sm text-muted">{name}</dt>
      <dd data-testid={testId} className="pr-8">
        <Ident mono value={value} what={t.elsewhere.adding.fingerprintWhat} />
      </dd>
    </div>
  );
}

function Below({ shown, machine }: { shown: Shown; machine: Machine }) {
  const { standing } = machine;
  const [forgetting, setForgetting] = useState(false);
  return (
    <div className="flex flex-wrap items-center gap-2">
      <p className="mr-auto text-sm text-muted">
        {words.again}
        {standing.state === "failing" && (
          <>
            {" "}
            {words.unheard} <Lasting since={standing.since} />.
          </>
        )}
      </p>
      <Button data-testid="retry-machine" onClick={() => void shown.elsewhere.retry(machine.id)}>
        {words.retry}
      </Button>
      <Button look="wary" data-testid="forget-unreached" onClick={() => setForgetting(true)}>
        {t.elsewhere.forget(machineName(machine))}
      </Button>
      {forgetting && <ForgetMachine machine={machine} onClose={() => setForgetting(false)} />}
    </div>
  );
}
