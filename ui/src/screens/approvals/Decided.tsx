import type { ReactNode } from "react";
import type { Authorization } from "@/bindings/Authorization";
import type { Connection } from "@/bindings/Connection";
import type { Decided } from "@/bindings/Decided";
import { AdditionWords } from "@/domain/addition/AdditionWords";
import { additionDecisions } from "@/domain/addition/decisions";
import { additionKey, connectionKey, providerKey } from "@/domain/connection/approvals";
import { type Decision, decisions, useDecide } from "@/domain/connection/decisions";
import { Alias } from "@/domain/demo/Alias";
import { nameOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { judgementMark } from "@/domain/peer/words";
import { Button } from "@/shared/Button";
import { Empty, Panel } from "@/shared/layout";
import { type Shape, StateWord, type Tone } from "@/shared/Mark";
import { VirtualRows } from "@/shared/VirtualRows";
import { Ago, Ident } from "@/shared/values";
import { t } from "@/text";

const marks: Record<Connection["state"], { tone: Tone; shape: Shape }> = {
  pending: { tone: "wait", shape: "half" },
  approved: { tone: "ok", shape: "tick" },
  declined: { tone: "bad", shape: "cross" },
  ended: { tone: "muted", shape: "square" },
  expired: { tone: "muted", shape: "ring" },
};

function keyOf(decided: Decided): string {
  switch (decided.kind) {
    case "provider":
      return providerKey(decided.provider);
    case "connection":
      return connectionKey(decided.connection);
    case "addition":
      return additionKey(decided.addition);
  }
}

/** What was decided, by whom, and how it can be taken back. */
export function DecidedList({ list, us }: { list: readonly Decided[]; us: string }) {
  return (
    <Panel title={t.approvals.decidedTitle} flush>
      {list.length === 0 ? (
        <Empty>{t.approvals.decidedEmpty}</Empty>
      ) : (
        <div role="table" aria-label={t.approvals.decidedTitle}>
          <VirtualRows
            count={list.length}
            estimate={40}
            keyOf={(index) => {
              const decided = list[index];
              return decided === undefined ? String(index) : `${keyOf(decided)} ${index}`;
            }}
            row={(index) => {
              const decided = list[index];
              switch (decided?.kind) {
                case "provider":
                  return <DecidedProvider decided={decided} />;
                case "connection":
                  return <DecidedConnection connection={decided.connection} us={us} />;
                case "addition":
                  return <DecidedAddition addition={decided.addition} us={us} />;
                default:
                  return null;
              }
            }}
          />
        </div>
      )}
    </Panel>
  );
}

/** How a decision can be changed. */
interface Change {
  text: string;
  label: string;
  decision: Decision;
}

function Row({
  state,
  who,
  when,
  change,
}: {
  state: ReactNode;
  who: ReactNode;
  when: ReactNode;
  change: Change | null;
}) {
  const decide = useDecide();
  return (
    <div role="row" className="flex flex-wrap items-center gap-x-3 gap-y-0.5 px-3 py-1.5 hover:bg-hover">
      <div role="cell" className="w-28 shrink-0">
        {state}
      </div>
      <div role="cell" className="flex min-w-0 flex-wrap items-center gap-x-1.5">
        {who}
      </div>
      <div role="cell" className="ml-auto text-sm text-muted">
        {when}
      </div>
      <div role="cell" className="flex w-24 justify-end">
        {change !== null && (
          <Button small aria-label={change.label} onClick={() => void decide([change.decision])}>
            {change.text}
          </Button>
        )}
      </div>
    </div>
  );
}

/** The state of what was set aside. */
function Ignored() {
  return (
    <span title={t.approvals.ignoredHint}>
      <StateWord {...marks.pending}>{t.approvals.state.ignored}</StateWord>
    </span>
  );
}

/** Whether a request can be made to wait again. */
const canReopen = (of: Connection | Authorization) =>
  of.reopenable && (of.state === "declined" || of.ignored);

function DecidedProvider({ decided }: { decided: Extract<Decided, { kind: "provider" }> }) {
  const { provider, state, ignored } = decided;
  const reopen: Change = {
    text: t.approvals.reopen,
    label: t.approvals.reopenOf(provider),
    decision: decisions.reopenProvider(provider),
  };
  const changes: Partial<Record<typeof state, Change>> =
    decided.by === "peer"
      ? {}
      : {
          allowed: {
            text: t.peers.block,
            label: t.approvals.blockProvider(provider),
            decision: decisions.blockProvider(provider),
          },
          blocked: {
            text: t.peers.unblock,
            label: t.peers.unblockWhat(provider),
            decision: decisions.admit(provider),
          },
        };
  return (
    <Row
      state={
        ignored ? (
          <Ignored />
        ) : (
          <StateWord {...judgementMark(state)}>{t.approvals.peerState[state]}</StateWord>
        )
      }
      who={
        <Ident value={provider} what={t.peers.column.provider}>
          <span className="font-semibold">{provider}</span>
          <Alias provider={provider} />
        </Ident>
      }
      when={
        <>
          {t.approvals.by[decided.by]} · <Ago at={decided.at} />
        </>
      }
      change={ignored ? reopen : (changes[state] ?? null)}
    />
  );
}

/** What connections and additions have in common: a state, who brought it about, and whether the asker knows. */
function Answered({
  of,
  who,
  change,
}: {
  of: Connection | Authorization;
  who: ReactNode;
  change: Change | null;
}) {
  const secret = of.state === "declined" && of.reopenable;
  return (
    <Row
      state={
        of.ignored ? <Ignored /> : <StateWord {...marks[of.state]}>{t.approvals.state[of.state]}</StateWord>
      }
      who={who}
      when={
        <>
          {secret && <span title={t.approvals.secretHint}>{t.approvals.secret} · </span>}
          {of.decided_by !== null && `${t.approvals.by[of.decided_by]} · `}
          <Ago at={of.changed} />
        </>
      }
      change={change}
    />
  );
}

function DecidedConnection({ connection, us }: { connection: Connection; us: string }) {
  const { state } = connection;
  const other = nameOf(connection.outgoing ? connection.to : connection.from);
  const change =
    state === "approved"
      ? { text: t.approvals.end, label: t.approvals.endWith(other), decision: decisions.end(connection) }
      : canReopen(connection)
        ? {
            text: t.approvals.reopen,
            label: t.approvals.reopenOf(other),
            decision: decisions.reopen(connection),
          }
        : null;
  return (
    <Answered
      of={connection}
      change={change}
      who={
        <>
          <PersonName uri={connection.from} us={us} />
          <span className="text-muted">{t.approvals.askedForPerson}</span>
          <PersonName uri={connection.to} us={us} />
        </>
      }
    />
  );
}

function DecidedAddition({ addition, us }: { addition: Authorization; us: string }) {
  const adder = nameOf(addition.adder);
  const change =
    addition.state === "approved" && !addition.used
      ? {
          text: t.approvals.revoke,
          label: t.approvals.revokeOf(adder, nameOf(addition.user)),
          decision: additionDecisions.revoke(addition),
        }
      : canReopen(addition)
        ? {
            text: t.approvals.reopen,
            label: t.approvals.reopenOf(adder),
            decision: additionDecisions.reopen(addition),
          }
        : null;
  return (
    <Answered
      of={addition}
      change={change}
      who={
        <>
          <AdditionWords addition={addition} us={us} />
          {addition.used && (
            <span className="text-sm text-muted" title={t.approvals.usedGrantHint}>
              · {t.approvals.usedGrant}
            </span>
          )}
        </>
      }
    />
  );
}
