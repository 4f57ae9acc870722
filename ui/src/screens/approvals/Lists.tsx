import type { Connection } from "@/bindings/Connection";
import type { Decided } from "@/bindings/Decided";
import { connectionKey } from "@/domain/connection/approvals";
import { deeds, useDecide } from "@/domain/connection/deeds";
import { Alias } from "@/domain/demo/Alias";
import { nameOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { judgementMark } from "@/domain/peer/words";
import { Button } from "@/shared/Button";
import { Empty, Panel } from "@/shared/layout";
import { type Shape, StateWord, type Tone } from "@/shared/Mark";
import { VirtualRows } from "@/shared/VirtualRows";
import { Ago, Ident, Until } from "@/shared/values";
import { t } from "@/text";

const row = "flex flex-wrap items-center gap-x-3 gap-y-0.5 px-3 py-1.5 hover:bg-hover";

/** Our people's own requests that wait elsewhere. */
export function Outgoing({ list, us }: { list: readonly Connection[]; us: string }) {
  const decide = useDecide();
  return (
    <Panel title={t.approvals.outgoing} flush>
      {list.length === 0 ? (
        <Empty>{t.approvals.outgoingEmpty}</Empty>
      ) : (
        <div role="table" aria-label={t.approvals.outgoing}>
          <VirtualRows
            count={list.length}
            estimate={44}
            keyOf={(index) => list[index]?.id ?? String(index)}
            row={(index) => {
              const connection = list[index];
              if (connection === undefined) return null;
              return (
                <div role="row" className={row} data-testid={`outgoing-${connection.id}`}>
                  <div role="cell" className="flex min-w-0 flex-wrap items-center gap-x-1.5">
                    <PersonName uri={connection.from} us={us} />
                    <span className="text-muted">{t.approvals.asks}</span>
                    <PersonName uri={connection.to} />
                  </div>
                  <div role="cell">
                    <StateWord
                      tone={connection.delivered ? "wait" : "warn"}
                      shape={connection.delivered ? "half" : "ring"}
                      title={connection.delivered ? t.approvals.deliveredHint : t.approvals.undeliveredHint}
                    >
                      {connection.delivered ? t.approvals.delivered : t.approvals.undelivered}
                    </StateWord>
                  </div>
                  <div role="cell" className="ml-auto text-sm text-muted">
                    {t.approvals.askedFor} <Ago at={connection.created} /> · {t.approvals.expires}{" "}
                    <Until at={connection.expires} />
                  </div>
                  <div role="cell">
                    <Button
                      small
                      aria-label={t.approvals.takeBackFrom(nameOf(connection.to))}
                      onClick={() => void decide([deeds.end(connection)])}
                    >
                      {t.approvals.takeBack}
                    </Button>
                  </div>
                </div>
              );
            }}
          />
        </div>
      )}
    </Panel>
  );
}

const marks: Record<Connection["state"], { tone: Tone; shape: Shape }> = {
  pending: { tone: "wait", shape: "half" },
  approved: { tone: "ok", shape: "tick" },
  declined: { tone: "bad", shape: "cross" },
  ended: { tone: "muted", shape: "square" },
  expired: { tone: "muted", shape: "ring" },
};

const keyOf = (decided: Decided) =>
  decided.kind === "provider" ? `provider ${decided.provider}` : connectionKey(decided.connection);

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
              if (decided === undefined) return null;
              return decided.kind === "provider" ? (
                <DecidedProvider decided={decided} />
              ) : (
                <DecidedConnection connection={decided.connection} us={us} />
              );
            }}
          />
        </div>
      )}
    </Panel>
  );
}

function DecidedProvider({ decided }: { decided: Extract<Decided, { kind: "provider" }> }) {
  const decide = useDecide();
  const { provider, state } = decided;
  return (
    <div role="row" className={row}>
      <div role="cell" className="w-28 shrink-0">
        <StateWord {...judgementMark(state)}>{t.approvals.peerState[state]}</StateWord>
      </div>
      <div role="cell" className="min-w-0">
        <Ident value={provider} what={t.peers.column.provider}>
          <span className="font-semibold">{provider}</span>
          <Alias provider={provider} />
        </Ident>
      </div>
      <div role="cell" className="ml-auto text-sm text-muted">
        {t.approvals.by[decided.by]} · <Ago at={decided.at} />
      </div>
      <div role="cell" className="flex w-24 justify-end">
        {(state === "allowed" || state === "blocked") && decided.by !== "peer" && (
          <Button
            small
            aria-label={
              state === "allowed" ? t.approvals.blockProvider(provider) : t.peers.unblockWhat(provider)
            }
            onClick={() =>
              void decide([
                state === "allowed" ? deeds.blockProvider(provider, state) : deeds.admit(provider),
              ])
            }
          >
            {state === "allowed" ? t.peers.block : t.peers.unblock}
          </Button>
        )}
      </div>
    </div>
  );
}

function DecidedConnection({ connection, us }: { connection: Connection; us: string }) {
  const decide = useDecide();
  const { state } = connection;
  const secret = state === "declined" && connection.reopenable;
  const other = nameOf(connection.outgoing ? connection.to : connection.from);
  return (
    <div role="row" className={row}>
      <div role="cell" className="w-28 shrink-0">
        <StateWord {...marks[state]}>{t.approvals.state[state]}</StateWord>
      </div>
      <div role="cell" className="flex min-w-0 flex-wrap items-center gap-x-1.5">
        <PersonName uri={connection.from} us={us} />
        <span className="text-muted">{t.approvals.askedForPerson}</span>
        <PersonName uri={connection.to} us={us} />
      </div>
      <div role="cell" className="ml-auto text-sm text-muted">
        {secret && <span title={t.approvals.secretHint}>{t.approvals.secret} · </span>}
        {connection.decided_by !== null && `${t.approvals.by[connection.decided_by]} · `}
        <Ago at={connection.changed} />
      </div>
      <div role="cell" className="flex w-24 justify-end">
        {state === "approved" && (
          <Button
            small
            aria-label={t.approvals.endWith(other)}
            onClick={() => void decide([deeds.end(connection)])}
          >
            {t.approvals.end}
          </Button>
        )}
        {state === "declined" && connection.reopenable && (
          <Button
            small
            aria-label={t.approvals.reopenOf(other)}
            onClick={() => void decide([deeds.reopen(connection)])}
          >
            {t.approvals.reopen}
          </Button>
        )}
      </div>
    </div>
  );
}
