import { type ReactNode, type RefObject, useCallback, useMemo, useRef } from "react";
import { additionDecisions } from "@/domain/addition/decisions";
import { additionKey, connectionKey, providerKey, type ShownApprovals } from "@/domain/connection/approvals";
import { type Decision, decisions, useDecide } from "@/domain/connection/decisions";
import { providerOf } from "@/domain/node/identifiers";
import { useActions } from "@/shared/actions";
import { Button } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Checkbox } from "@/shared/form";
import { Panel } from "@/shared/layout";
import { type Reveal, VirtualRows } from "@/shared/VirtualRows";
import { t } from "@/text";
import { type Cursor, useCursor } from "./keys";
import { AdditionRow, IncomingRow, ProviderRow } from "./rows";

type Kind = "approve" | "decline" | "ignore" | "block";
const KINDS = ["approve", "decline", "ignore", "block"] as const satisfies readonly Kind[];

/** What waits: providers, connections and additions, three lists that stay apart and are walked through as one. */
export function Waiting({ data, us }: { data: ShownApprovals; us: string }) {
  const decideThen = useDecide();
  const { providers, incoming, additions } = data;
  const providerKeys = useMemo(() => providers.map((each) => providerKey(each.provider)), [providers]);
  const connectionKeys = useMemo(() => incoming.map(connectionKey), [incoming]);
  const additionKeys = useMemo(() => additions.map(additionKey), [additions]);
  const keys = useMemo(
    () => [...providerKeys, ...connectionKeys, ...additionKeys],
    [providerKeys, connectionKeys, additionKeys],
  );

  const providerRows = useRef<Reveal>(null);
  const connectionRows = useRef<Reveal>(null);
  const additionRows = useRef<Reveal>(null);
  const reveal = useCallback(
    (key: string) => {
      const lists = [
        [providerKeys, providerRows],
        [connectionKeys, connectionRows],
        [additionKeys, additionRows],
      ] as const;
      for (const [own, rows] of lists) if (own.includes(key)) rows.current?.reveal(own.indexOf(key));
    },
    [providerKeys, connectionKeys, additionKeys],
  );
  const cursor = useCursor(keys, reveal);
  const decide = (list: readonly Decision[]) => void decideThen(list);
  const heldOf = (provider: string) => incoming.filter((each) => providerOf(each.from) === provider);

  /** What a key does to the rows chosen; what a row cannot have is left out. */
  const decisionsFor = (kind: Kind, chosen: ReadonlySet<string>): Decision[] => [
    ...providers.flatMap(({ provider }) => {
      if (!chosen.has(providerKey(provider)) || kind === "decline") return [];
      // A person's approval lets the provider in too, in the same step.
      const persons = heldOf(provider).some((each) => chosen.has(connectionKey(each)));
      if (kind === "approve") return persons ? [] : [decisions.admit(provider)];
      if (kind === "ignore") return [decisions.ignoreProvider(provider)];
      return [decisions.blockProvider(provider, heldOf(provider))];
    }),
    ...incoming.flatMap((connection) => {
      if (!chosen.has(connectionKey(connection))) return [];
      return [kind === "block" ? decisions.blockPerson(connection) : decisions[kind](connection)];
    }),
    ...additions.flatMap((addition) => {
      if (!chosen.has(additionKey(addition))) return [];
      return [kind === "block" ? additionDecisions.never(addition) : additionDecisions[kind](addition)];
    }),
  ];
  const act = (kind: Kind) => {
    const chosen =
      cursor.selected.size > 0 ? cursor.selected : new Set(cursor.at === null ? [] : [cursor.at]);
    decide(decisionsFor(kind, chosen));
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

  const decideSelected = (kind: Kind, chosen: readonly string[]) => {
    decide(decisionsFor(kind, new Set(chosen)));
    cursor.select(chosen, false);
  };
  const list = { cursor, decideSelected };
  return (
    <div className="grid gap-4">
      <List
        {...list}
        title={t.approvals.providers}
        hint={t.approvals.providersHint}
        empty={t.approvals.providersEmpty}
        kinds={["approve", "ignore", "block"]}
        keys={providerKeys}
        handle={providerRows}
        estimate={112}
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
      <List
        {...list}
        title={t.approvals.connections}
        hint={t.approvals.connectionsHint}
        empty={t.approvals.connectionsEmpty}
        kinds={KINDS}
        keys={connectionKeys}
        handle={connectionRows}
        estimate={84}
        row={(index) => {
          const connection = incoming[index];
          return (
            connection && <IncomingRow connection={connection} us={us} cursor={cursor} decide={decide} />
          );
        }}
      />
      <List
        {...list}
        title={t.approvals.additions}
        hint={t.approvals.additionsHint}
        empty={t.approvals.additionsEmpty}
        kinds={KINDS}
        keys={additionKeys}
        handle={additionRows}
        estimate={104}
        row={(index) => {
          const addition = additions[index];
          return addition && <AdditionRow addition={addition} us={us} cursor={cursor} decide={decide} />;
        }}
      />
      <p className="text-sm text-muted max-sm:hidden">{t.approvals.hintKeys}</p>
    </div>
  );
}

/** One of the lists, with what can be done to those of its rows that are selected. */
function List({
  title,
  hint,
  empty,
  kinds,
  keys,
  handle,
  estimate,
  row,
  cursor,
  decideSelected,
}: {
  title: string;
  hint: string;
  empty: string;
  kinds: readonly Kind[];
  keys: readonly string[];
  handle: RefObject<Reveal | null>;
  estimate: number;
  row: (index: number) => ReactNode;
  cursor: Cursor;
  decideSelected: (kind: Kind, keys: readonly string[]) => void;
}) {
  const chosen = keys.filter((key) => cursor.selected.has(key));
  const selectLabel = chosen.length === keys.length ? t.approvals.selectNone : t.approvals.selectAll;
  return (
    <Panel
      title={title}
      hint={hint}
      flush
      lead={
        keys.length > 1 && (
          <Checkbox
            className="-ml-1"
            label={selectLabel}
            title={selectLabel}
            checked={chosen.length === keys.length}
            onChange={(event) => cursor.select(keys, event.target.checked)}
          />
        )
      }
      actions={
        <>
          {chosen.length > 0 && (
            <div className="flex flex-wrap items-center gap-1.5">
              <span className="text-sm text-muted">{t.approvals.selected(chosen.length)}</span>
              {kinds.map((kind) => (
                <Button
                  small
                  key={kind}
                  look={kind === "approve" ? "primary" : kind === "block" ? "danger" : "plain"}
                  data-testid={`${kind}-selected`}
                  onClick={() => decideSelected(kind, chosen)}
                >
                  {t.approvals[kind]}
                </Button>
              ))}
            </div>
          )}
          <span className={cx("text-sm", keys.length > 0 ? "font-medium text-accent" : "text-muted")}>
            {t.approvals.waits(keys.length)}
          </span>
        </>
      }
    >
      {keys.length === 0 ? (
        <p className="px-3 py-2 text-muted">{empty}</p>
      ) : (
        <div role="grid" className="@container" aria-label={title} aria-multiselectable="true">
          <VirtualRows
            count={keys.length}
            estimate={estimate}
            handle={handle}
            keyOf={(index) => keys[index] ?? String(index)}
            row={row}
          />
        </div>
      )}
    </Panel>
  );
}
