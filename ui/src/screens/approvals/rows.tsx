/** One row for each thing that waits: who, what approving means, until when, and what can be done. */

import { Ban, Check, EllipsisVertical, EyeOff, X } from "lucide-react";
import type { ReactNode } from "react";
import type { Authorization } from "@/bindings/Authorization";
import type { Connection } from "@/bindings/Connection";
import type { WaitingProvider } from "@/bindings/WaitingProvider";
import { AdditionWords } from "@/domain/addition/AdditionWords";
import { additionDecisions } from "@/domain/addition/decisions";
import { additionKey, connectionKey, providerKey } from "@/domain/connection/approvals";
import { type Decision, decisions } from "@/domain/connection/decisions";
import { Alias, useCalled } from "@/domain/demo/Alias";
import { groupTitle } from "@/domain/group/words";
import { nameOf, providerOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { Button, IconButton } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Checkbox } from "@/shared/form";
import { StateWord } from "@/shared/Mark";
import { Menu, type MenuItem } from "@/shared/Menu";
import { Ago, Ident, Until } from "@/shared/values";
import { t } from "@/text";
import type { Cursor } from "./keys";

const icon = "size-3.5";

interface Row {
  cursor: Cursor;
  decide: (list: readonly Decision[]) => void;
}

/** What can be done with a row; what it cannot have is left out. */
interface Acts {
  approve: Decision;
  approveText?: string;
  decline?: Decision;
  ignore: Decision;
  /** One way to block, or several to choose from. */
  block: Decision | readonly MenuItem[];
  blockHint?: string;
  more?: readonly (MenuItem | "line")[];
}

/** A row that waits. */
function WaitingRow({
  rowKey,
  label,
  testId,
  who,
  meaning,
  since,
  expires,
  expiresHint,
  facts,
  acts,
  cursor,
  decide,
}: Row & {
  rowKey: string;
  label: string;
  testId: string;
  who: ReactNode;
  meaning: string;
  since: string;
  expires: string;
  expiresHint: string;
  facts?: ReactNode;
  acts: Acts;
}) {
  const selected = cursor.selected.has(rowKey);
  return (
    <div
      role="row"
      aria-label={label}
      data-testid={testId}
      {...cursor.row(rowKey)}
      className={cx(
        "flex items-start gap-2 px-2 py-2 -outline-offset-2 @max-[44rem]:flex-wrap",
        selected ? "bg-accent-soft" : "hover:bg-hover",
      )}
    >
      <div role="gridcell" className="pt-0.5">
        <Checkbox
          label={t.approvals.select(label)}
          checked={selected}
          tabIndex={cursor.at === rowKey ? 0 : -1}
          onChange={() => cursor.toggle(rowKey)}
        />
      </div>
      <div role="gridcell" className="min-w-0 flex-1 @max-[44rem]:basis-[calc(100%-3rem)]">
        <div className="flex min-h-6 flex-wrap items-center gap-x-1.5">{who}</div>
        <p className="text-muted">{meaning}</p>
        <p className="flex flex-wrap gap-x-3 text-sm text-muted">
          <span>
            {t.approvals.since} <Ago at={since} />
          </span>
          <span title={expiresHint}>
            {t.approvals.expires} <Until at={expires} />
          </span>
          {facts}
        </p>
      </div>
      <div
        role="gridcell"
        className="flex shrink-0 flex-wrap items-center gap-1.5 @max-[44rem]:w-full @max-[44rem]:pl-8"
      >
        <Buttons acts={acts} decide={decide} />
      </div>
    </div>
  );
}

function Buttons({ acts, decide }: { acts: Acts; decide: Row["decide"] }) {
  const { approve, decline, ignore, block, more } = acts;
  const ban = <Ban className={icon} aria-hidden="true" />;
  return (
    <>
      <Button
        look="soft"
        data-testid="approve"
        icon={<Check className={icon} aria-hidden="true" />}
        onClick={() => decide([approve])}
      >
        {acts.approveText ?? t.approvals.approve}
      </Button>
      {decline !== undefined && (
        <Button
          data-testid="decline"
          icon={<X className={icon} aria-hidden="true" />}
          onClick={() => decide([decline])}
        >
          {t.approvals.decline}
        </Button>
      )}
      <Button
        data-testid="ignore"
        icon={<EyeOff className={icon} aria-hidden="true" />}
        onClick={() => decide([ignore])}
      >
        {t.approvals.ignore}
      </Button>
      {"run" in block ? (
        <Button
          look="wary"
          data-testid="block"
          title={acts.blockHint}
          icon={ban}
          onClick={() => decide([block])}
        >
          {t.approvals.block}
        </Button>
      ) : (
        <Menu
          items={block}
          trigger={
            <Button look="wary" data-testid="block" icon={ban}>
              {t.approvals.block}
            </Button>
          }
        />
      )}
      {more !== undefined && (
        <Menu
          items={more}
          trigger={
            <IconButton label={t.app.more} data-testid="more">
              <EllipsisVertical className="size-4" />
            </IconButton>
          }
        />
      )}
    </>
  );
}

export function ProviderRow({
  waiting,
  held,
  ...row
}: Row & { waiting: WaitingProvider; held: readonly Connection[] }) {
  const { provider } = waiting;
  const called = useCalled();
  return (
    <WaitingRow
      {...row}
      rowKey={providerKey(provider)}
      label={t.approvals.waitingRow.provider(provider)}
      testId={`waiting-provider-${provider}`}
      who={
        <>
          <Ident value={provider} what={t.peers.column.provider}>
            <span className="font-semibold">{provider}</span>
            <Alias provider={provider} />
          </Ident>
          {waiting.waiting && (
            <StateWord tone="wait" shape="half" title={t.approvals.holdsHint} className="text-sm">
              {t.approvals.holds}
            </StateWord>
          )}
        </>
      }
      meaning={t.approvals.meaning.provider(called(provider))}
      since={waiting.since}
      expires={waiting.expires}
      expiresHint={t.approvals.forgottenHint}
      facts={
        <>
          {waiting.connections > 0 && <span>{t.approvals.held(waiting.connections)}</span>}
          {waiting.fingerprints.map((fingerprint) => (
            <span key={fingerprint}>
              {t.approvals.keys} <Ident value={fingerprint} what={t.approvals.keys} mono />
            </span>
          ))}
        </>
      }
      acts={{
        approve: decisions.admit(provider),
        ignore: decisions.ignoreProvider(provider),
        block: decisions.blockProvider(provider, held),
        blockHint: t.approvals.blockProviderHint,
      }}
    />
  );
}

export function IncomingRow({ connection, us, ...row }: Row & { connection: Connection; us: string }) {
  const { decide } = row;
  const from = nameOf(connection.from);
  const to = nameOf(connection.to);
  const provider = providerOf(connection.from);
  const name = useCalled()(provider);
  const stranger = connection.peer_state === "pending" || connection.peer_state === "unknown";
  const who = `${from} @ ${name}`;
  const admitOnly: readonly (MenuItem | "line")[] = [
    "line",
    {
      id: "admit-only",
      text: t.approvals.admitOnly(name),
      run: () => decide([decisions.admit(provider)]),
    },
  ];
  return (
    <WaitingRow
      {...row}
      rowKey={connectionKey(connection)}
      label={t.approvals.waitingRow.connection(from, to)}
      testId={`incoming-${connection.id}`}
      who={
        <>
          <PersonName uri={connection.from} />
          <span className="text-muted">{t.approvals.asks}</span>
          <PersonName uri={connection.to} us={us} />
          {stranger && (
            <StateWord tone="warn" shape="half" className="text-sm">
              {t.approvals.stranger}
            </StateWord>
          )}
        </>
      }
      meaning={stranger ? t.approvals.meaning.both(from, to, name) : t.approvals.meaning.connection(from, to)}
      since={connection.created}
      expires={connection.expires}
      expiresHint={t.approvals.expiresHint}
      acts={{
        approve: decisions.approve(connection),
        ...(stranger ? { approveText: t.approvals.approveBoth } : {}),
        decline: decisions.decline(connection),
        ignore: decisions.ignore(connection),
        block: [
          {
            id: "block-person",
            text: t.approvals.blockPerson(who),
            hint: t.approvals.blockPersonHint,
            danger: true,
            run: () => decide([decisions.blockPerson(connection)]),
          },
          {
            id: "block-provider",
            text: t.approvals.blockProvider(name),
            hint: t.approvals.blockProviderHint,
            danger: true,
            run: () => decide([decisions.blockProvider(provider, [connection])]),
          },
        ],
        more: [
          {
            id: "always-person",
            text: t.approvals.alwaysPerson(who),
            run: () => decide([decisions.approve(connection, "person")]),
          },
          {
            id: "always-provider",
            text: t.approvals.alwaysProvider(name),
            run: () => decide([decisions.approve(connection, "provider")]),
          },
          ...(stranger ? admitOnly : []),
        ],
      }}
    />
  );
}

export function AdditionRow({ addition, us, ...row }: Row & { addition: Authorization; us: string }) {
  const { decide } = row;
  const adder = nameOf(addition.adder);
  const user = nameOf(addition.user);
  const who = `${adder} @ ${useCalled()(providerOf(addition.adder))}`;
  const group = groupTitle({ group: addition.group, name: addition.group_name ?? addition.title ?? "" });
  return (
    <WaitingRow
      {...row}
      rowKey={additionKey(addition)}
      label={t.approvals.waitingRow.addition(adder, user, group)}
      testId={`addition-${addition.id}`}
      who={<AdditionWords addition={addition} us={us} />}
      meaning={t.approvals.meaning.addition(adder, user)}
      since={addition.created}
      expires={addition.expires}
      expiresHint={t.approvals.expiresHint}
      acts={{
        approve: additionDecisions.approve(addition),
        decline: additionDecisions.decline(addition),
        ignore: additionDecisions.ignore(addition),
        block: [
          {
            id: "never-adds",
            text: t.approvals.neverAdds(who, user),
            hint: t.approvals.neverAddsHint,
            danger: true,
            run: () => decide([additionDecisions.never(addition)]),
          },
        ],
        more: [
          {
            id: "always-adds",
            text: t.approvals.alwaysAdds(who, user),
            hint: t.approvals.alwaysAddsHint,
            run: () => decide([additionDecisions.always(addition)]),
          },
        ],
      }}
    />
  );
}
