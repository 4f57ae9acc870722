import type { ReactNode } from "react";
import type { Authorization } from "@/bindings/Authorization";
import type { Connection } from "@/bindings/Connection";
import { AdditionWords } from "@/domain/addition/AdditionWords";
import { additionDecisions } from "@/domain/addition/decisions";
import { additionKey, connectionKey } from "@/domain/connection/approvals";
import { type Decision, decisions, useDecide } from "@/domain/connection/decisions";
import { nameOf, providerOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { usePeers } from "@/domain/peer/hooks";
import { whyNotReached } from "@/domain/peer/words";
import { Button } from "@/shared/Button";
import { Empty, Panel } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { VirtualRows } from "@/shared/VirtualRows";
import { Ago, Until } from "@/shared/values";
import { t } from "@/text";

/** Characters of a reason that another provider gives. */
const LONGEST_REASON = 400;

interface Asked {
  key: string;
  testId: string;
  who: ReactNode;
  /** Where the request goes. */
  provider: string;
  delivered: boolean;
  refused: string | null;
  created: string;
  expires: string;
  takeBack: { decision: Decision; label: string };
}

/** Our people's own requests that wait elsewhere. */
export function Outgoing({
  connections,
  additions,
  us,
}: {
  connections: readonly Connection[];
  additions: readonly Authorization[];
  us: string;
}) {
  return (
    <div className="grid gap-4">
      <List
        title={t.approvals.outgoing}
        empty={t.approvals.outgoingEmpty}
        list={connections.map((connection) => ({
          key: connectionKey(connection),
          testId: `outgoing-${connection.id}`,
          who: (
            <>
              <PersonName uri={connection.from} us={us} />
              <span className="text-muted">{t.approvals.asks}</span>
              <PersonName uri={connection.to} />
            </>
          ),
          provider: providerOf(connection.to),
          delivered: connection.delivered,
          refused: connection.refused,
          created: connection.created,
          expires: connection.expires,
          takeBack: {
            decision: decisions.end(connection),
            label: t.approvals.takeBackFrom(nameOf(connection.to)),
          },
        }))}
      />
      <List
        title={t.approvals.outgoingAdditions}
        empty={t.approvals.outgoingAdditionsEmpty}
        list={additions.map((addition) => ({
          key: additionKey(addition),
          testId: `outgoing-addition-${addition.id}`,
          who: (
            <>
              <AdditionWords addition={addition} us={us} />
            </>
          ),
          provider: providerOf(addition.user),
          delivered: addition.delivered,
          refused: addition.refused,
          created: addition.created,
          expires: addition.expires,
          takeBack: {
            decision: additionDecisions.revoke(addition),
            label: t.approvals.takeBackAddition(nameOf(addition.user)),
          },
        }))}
      />
    </div>
  );
}

function List({ title, empty, list }: { title: string; empty: string; list: readonly Asked[] }) {
  const decide = useDecide();
  const peers = usePeers().data?.peers ?? [];
  const whyNot = (provider: string) => whyNotReached(peers.find((peer) => peer.provider === provider));
  return (
    <Panel title={title} flush>
      {list.length === 0 ? (
        <Empty>{empty}</Empty>
      ) : (
        <div role="table" aria-label={title}>
          <VirtualRows
            count={list.length}
            estimate={44}
            keyOf={(index) => list[index]?.key ?? String(index)}
            row={(index) => {
              const asked = list[index];
              if (asked === undefined) return null;
              return (
                <div
                  role="row"
                  className="flex flex-wrap items-center gap-x-3 gap-y-0.5 px-3 py-1.5 hover:bg-hover"
                  data-testid={asked.testId}
                >
                  <div role="cell" className="flex min-w-0 flex-wrap items-center gap-x-1.5">
                    {asked.who}
                  </div>
                  <div role="cell">
                    {asked.refused !== null ? (
                      <StateWord tone="bad" shape="cross">
                        {t.approvals.refusedThere(lineText(asked.refused, LONGEST_REASON))}
                      </StateWord>
                    ) : (
                      <Delivery delivered={asked.delivered} why={whyNot(asked.provider)} />
                    )}
                  </div>
                  <div role="cell" className="ml-auto text-sm text-muted">
                    {t.approvals.askedFor} <Ago at={asked.created} /> · {t.approvals.expires}{" "}
                    <Until at={asked.expires} />
                  </div>
                  <div role="cell">
                    <Button
                      small
                      aria-label={asked.takeBack.label}
                      onClick={() => void decide([asked.takeBack.decision])}
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

/** Whether the other provider has it; where not, why, as far as that is known. */
function Delivery({ delivered, why }: { delivered: boolean; why: string | null }) {
  if (delivered)
    return (
      <StateWord tone="wait" shape="half" title={t.approvals.deliveredHint}>
        {t.approvals.delivered}
      </StateWord>
    );
  return (
    <StateWord tone="warn" shape="ring" title={t.approvals.undeliveredHint}>
      {why === null ? t.approvals.undelivered : t.approvals.undeliveredWhy(why)}
    </StateWord>
  );
}
