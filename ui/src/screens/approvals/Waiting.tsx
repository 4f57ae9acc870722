import { ChevronRight } from "lucide-react";
import { useCallback, useMemo, useRef, useState } from "react";
import { connectionKey, providerKey, type ShownApprovals } from "@/domain/connection/approvals";
import { type Deed, deeds, useDecide } from "@/domain/connection/deeds";
import { providerOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { useActions } from "@/shared/actions";
import { Button } from "@/shared/Button";
import { Checkbox } from "@/shared/form";
import { Count, Empty, Panel } from "@/shared/layout";
import { type Reveal, VirtualRows } from "@/shared/VirtualRows";
import { t } from "@/text";
import { useCursor } from "./keys";
import { IncomingRow, ProviderRow } from "./rows";

type Kind = "approve" | "decline" | "ignore" | "block";
const KINDS = ["approve", "decline", "ignore", "block"] as const satisfies readonly Kind[];

/** What waits: providers and connections, two lists that stay apart and are walked through as one. */
export function Waiting({ data, us }: { data: ShownApprovals; us: string }) {
  const decideThen = useDecide();
  const { providers, incoming } = data;
  const providerKeys = useMemo(() => providers.map((each) => providerKey(each.provider)), [providers]);
  const connectionKeys = useMemo(() => incoming.map(connectionKey), [incoming]);
  const keys = useMemo(() => [...providerKeys, ...connectionKeys], [providerKeys, connectionKeys]);

  const providerRows = useRef<Reveal>(null);
  const connectionRows = useRef<Reveal>(null);
  const reveal = useCallback(
    (key: string) => {
      const index = providerKeys.indexOf(key);
      if (index !== -1) providerRows.current?.reveal(index);
      else connectionRows.current?.reveal(connectionKeys.indexOf(key));
    },
    [providerKeys, connectionKeys],
  );
  const cursor = useCursor(keys, reveal);
  const decide = (list: readonly Deed[]) => void decideThen(list);
  const heldOf = (provider: string) => incoming.filter((each) => providerOf(each.from) === provider);

  /** What a key does to the rows chosen; what a row cannot have is left out. */
  const deedsFor = (kind: Kind, chosen: ReadonlySet<string>): Deed[] => [
    ...providers.flatMap(({ provider }) => {
      if (!chosen.has(providerKey(provider)) || kind === "decline") return [];
      if (kind === "approve") return [deeds.admit(provider)];
      if (kind === "ignore") return [deeds.ignoreProvider(provider)];
      return [deeds.blockProvider(provider, "pending", heldOf(provider))];
    }),
    ...incoming.flatMap((connection) => {
      if (!chosen.has(connectionKey(connection))) return [];
      if (kind === "block") return [deeds.blockPerson(connection)];
      return [deeds[kind](connection)];
    }),
  ];
  const act = (kind: Kind) => {
    const chosen =
      cursor.selected.size > 0 ? cursor.selected : new Set(cursor.at === null ? [] : [cursor.at]);
    decide(deedsFor(kind, chosen));
    cursor.clear();
  };
  const group = t.approvals.title;
  useActions([
    {
      id: "approvals.down",
      title: t.shortcuts.down,
      group,
      keys: ["j", "ArrowDown"],
      keyOnly: true,
      run: () => cursor.move(1),
    },
    {
      id: "approvals.up",
      title: t.shortcuts.up,
      group,
      keys: ["k", "ArrowUp"],
      keyOnly: true,
      run: () => cursor.move(-1),
    },
    ...KINDS.map((kind) => ({
      id: `approvals.${kind}`,
      title: t.approvals[kind],
      group,
      keys: [kind.charAt(0)],
      keyOnly: true,
      run: () => act(kind),
    })),
    {
      id: "approvals.select",
      title: t.approvals.select(""),
      group,
      keys: ["x"],
      keyOnly: true,
      run: () => cursor.at !== null && cursor.toggle(cursor.at),
    },
  ]);

  const bar = (own: readonly string[], kinds: readonly Kind[]) => {
    const chosen = own.filter((key) => cursor.selected.has(key));
    return (
      <div className="flex flex-wrap items-center gap-1.5">
        {chosen.length > 0 && (
          <>
            <span className="text-sm text-muted">{t.approvals.selected(chosen.length)}</span>
            {kinds.map((kind) => (
              <Button
                small
                key={kind}
                look={kind === "approve" ? "primary" : kind === "block" ? "danger" : "plain"}
                data-testid={`${kind}-selected`}
                onClick={() => {
                  decide(deedsFor(kind, new Set(chosen)));
                  cursor.select(chosen, false);
                }}
              >
                {t.approvals[kind]}
              </Button>
            ))}
          </>
        )}
      </div>
    );
  };

  const all = (own: readonly string[]) => {
    const chosen = own.filter((key) => cursor.selected.has(key));
    const label = chosen.length === own.length ? t.approvals.selectNone : t.approvals.selectAll;
    return (
      own.length > 1 && (
        <Checkbox
          className="-ml-1"
          label={label}
          title={label}
          checked={chosen.length === own.length}
          onChange={(event) => cursor.select(own, event.target.checked)}
        />
      )
    );
  };

  return (
    <div className="grid gap-4">
      <Panel
        title={t.approvals.providers}
        hint={t.approvals.providersHint}
        lead={all(providerKeys)}
        flush
        actions={
          <>
            {bar(providerKeys, ["approve", "ignore", "block"])}
            <Count n={providers.length} accent={providers.length > 0} />
          </>
        }
      >
        {providers.length === 0 ? (
          <Empty>{t.approvals.providersEmpty}</Empty>
        ) : (
          <div
            role="grid"
            className="@container"
            aria-label={t.approvals.providers}
            aria-multiselectable="true"
          >
            <VirtualRows
              count={providers.length}
              estimate={112}
              handle={providerRows}
              keyOf={(index) => providerKeys[index] ?? String(index)}
              row={(index) => {
                const waiting = providers[index];
                return (
                  waiting && (
                    <ProviderRow
                      waiting={waiting}
                      held={heldOf(waiting.provider)}
                      cursor={cursor}
                      decide={decide}
                    />
                  )
                );
              }}
            />
          </div>
        )}
      </Panel>
      <Panel
        title={t.approvals.connections}
        hint={t.approvals.connectionsHint}
        lead={all(connectionKeys)}
        flush
        actions={
          <>
            {bar(connectionKeys, KINDS)}
            <Count n={incoming.length} accent={incoming.length > 0} />
          </>
        }
      >
        {incoming.length === 0 ? (
          <Empty>{t.approvals.connectionsEmpty}</Empty>
        ) : (
          <div
            role="grid"
            className="@container"
            aria-label={t.approvals.connections}
            aria-multiselectable="true"
          >
            <VirtualRows
              count={incoming.length}
              estimate={84}
              handle={connectionRows}
              keyOf={(index) => connectionKeys[index] ?? String(index)}
              row={(index) => {
                const connection = incoming[index];
                return (
                  connection && (
                    <IncomingRow connection={connection} us={us} cursor={cursor} decide={decide} />
                  )
                );
              }}
            />
          </div>
        )}
      </Panel>
      <p className="text-sm text-muted max-sm:hidden">{t.approvals.hintKeys}</p>
      <Aside data={data} us={us} decide={decide} />
    </div>
  );
}

/** What was ignored: out of the way, yet findable. */
function Aside({
  data,
  us,
  decide,
}: {
  data: ShownApprovals;
  us: string;
  decide: (list: readonly Deed[]) => void;
}) {
  const [open, setOpen] = useState(false);
  const { asideProviders, asideConnections } = data;
  const all = asideProviders.length + asideConnections.length;
  if (all === 0) return null;
  const row = "flex flex-wrap items-center gap-x-1.5 px-3 py-1";
  return (
    <div>
      <Button look="quiet" aria-expanded={open} onClick={() => setOpen(!open)} data-testid="aside">
        <ChevronRight className={open ? "size-4 rotate-90" : "size-4"} aria-hidden="true" />
        {t.approvals.aside(all)}
      </Button>
      {open && (
        <>
          <p className="mt-1 mb-2 text-sm text-muted">{t.approvals.asideHint}</p>
          <ul className="divide-y divide-line rounded-lg border border-line bg-surface">
            {asideProviders.map(({ provider }) => (
              <li key={provider} className={row}>
                <span className="mr-auto font-semibold wrap-anywhere">{provider}</span>
                <Button small onClick={() => decide([deeds.reopenProvider(provider)])}>
                  {t.approvals.reopen}
                </Button>
              </li>
            ))}
            {asideConnections.map((connection) => (
              <li key={connectionKey(connection)} className={row}>
                <PersonName uri={connection.from} />
                <span className="text-muted">{t.approvals.asks}</span>
                <PersonName uri={connection.to} us={us} />
                <Button small className="ml-auto" onClick={() => decide([deeds.reopen(connection)])}>
                  {t.approvals.reopen}
                </Button>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
