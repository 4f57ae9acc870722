/** One row for each thing that waits: who, what approving means, until when, and what can be done. */

import { Ban, Check, EllipsisVertical, EyeOff, X } from "lucide-react";
import type { ReactNode } from "react";
import type { Connection } from "@/bindings/Connection";
import type { WaitingProvider } from "@/bindings/WaitingProvider";
import { connectionKey, providerKey } from "@/domain/connection/approvals";
import { type Deed, deeds } from "@/domain/connection/deeds";
import { Alias } from "@/domain/demo/Alias";
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

interface Acts {
  decide: (list: readonly Deed[]) => void;
}

/** The frame of a row that waits. */
function WaitingRow({
  rowKey,
  label,
  cursor,
  testId,
  children,
  buttons,
}: {
  rowKey: string;
  label: string;
  cursor: Cursor;
  testId: string;
  children: ReactNode;
  buttons: ReactNode;
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
        {children}
      </div>
      <div
        role="gridcell"
        className="flex shrink-0 flex-wrap items-center gap-1.5 @max-[44rem]:w-full @max-[44rem]:pl-8"
      >
        {buttons}
      </div>
    </div>
  );
}

export function ProviderRow({
  waiting,
  held,
  cursor,
  decide,
}: { waiting: WaitingProvider; held: readonly Connection[]; cursor: Cursor } & Acts) {
  const { provider } = waiting;
  return (
    <WaitingRow
      rowKey={providerKey(provider)}
      label={t.approvals.waitingRow.provider(provider)}
      testId={`waiting-provider-${provider}`}
      cursor={cursor}
      buttons={
        <>
          <Button
            look="soft"
            data-testid="approve"
            icon={<Check className={icon} aria-hidden="true" />}
            onClick={() => decide([deeds.admit(provider)])}
          >
            {t.approvals.approve}
          </Button>
          <Button
            data-testid="ignore"
            icon={<EyeOff className={icon} aria-hidden="true" />}
            onClick={() => decide([deeds.ignoreProvider(provider)])}
          >
            {t.approvals.ignore}
          </Button>
          <Button
            look="wary"
            data-testid="block"
            title={t.approvals.blockProviderHint}
            icon={<Ban className={icon} aria-hidden="true" />}
            onClick={() => decide([deeds.blockProvider(provider, "pending", held)])}
          >
            {t.approvals.block}
          </Button>
        </>
      }
    >
      <div className="flex min-h-6 flex-wrap items-center gap-x-2">
        <Ident value={provider} what={t.peers.column.provider}>
          <span className="font-semibold">{provider}</span>
          <Alias provider={provider} />
        </Ident>
        {waiting.waiting && (
          <StateWord tone="wait" shape="half" title={t.approvals.holdsHint} className="text-sm">
            {t.approvals.holds}
          </StateWord>
        )}
      </div>
      <p className="text-muted">{t.approvals.meaning.provider(provider)}</p>
      <p className="flex flex-wrap gap-x-3 text-sm text-muted">
        <span>
          {t.approvals.since} <Ago at={waiting.since} />
        </span>
        <span title={t.approvals.forgottenHint}>
          {t.approvals.expires} <Until at={waiting.expires} />
        </span>
        {waiting.connections > 0 && <span>{t.approvals.held(waiting.connections)}</span>}
        {waiting.fingerprints.map((fingerprint) => (
          <span key={fingerprint}>
            {t.approvals.keys} <Ident value={fingerprint} what={t.approvals.keys} mono />
          </span>
        ))}
      </p>
    </WaitingRow>
  );
}

export function IncomingRow({
  connection,
  us,
  cursor,
  decide,
}: { connection: Connection; us: string; cursor: Cursor } & Acts) {
  const from = nameOf(connection.from);
  const to = nameOf(connection.to);
  const provider = providerOf(connection.from);
  const stranger = connection.peer_state === "pending" || connection.peer_state === "unknown";
  const block: MenuItem[] = [
    {
      id: "block-person",
      text: t.approvals.blockPerson(`${from} @ ${provider}`),
      hint: t.approvals.blockPersonHint,
      danger: true,
      run: () => decide([deeds.blockPerson(connection)]),
    },
    {
      id: "block-provider",
      text: t.approvals.blockProvider(provider),
      hint: t.approvals.blockProviderHint,
      danger: true,
      run: () => decide([{ ...deeds.blockProvider(provider, connection.peer_state, [connection]) }]),
    },
  ];
  const more: (MenuItem | "line")[] = [
    {
      id: "always-person",
      text: t.approvals.alwaysPerson(`${from} @ ${provider}`),
      run: () => decide([deeds.alwaysPerson(connection)]),
    },
    {
      id: "always-provider",
      text: t.approvals.alwaysProvider(provider),
      run: () => decide([deeds.alwaysProvider(connection)]),
    },
    ...(stranger
      ? ([
          "line",
          {
            id: "admit-only",
            text: t.approvals.admitOnly(provider),
            run: () => decide([deeds.admit(provider)]),
          },
        ] as const)
      : []),
  ];
  return (
    <WaitingRow
      rowKey={connectionKey(connection)}
      label={t.approvals.waitingRow.connection(from, to)}
      testId={`incoming-${connection.id}`}
      cursor={cursor}
      buttons={
        <>
          <Button
            look="soft"
            data-testid="approve"
            icon={<Check className={icon} aria-hidden="true" />}
            onClick={() => decide([deeds.approve(connection)])}
          >
            {stranger ? t.approvals.approveBoth : t.approvals.approve}
          </Button>
          <Button
            data-testid="decline"
            icon={<X className={icon} aria-hidden="true" />}
            onClick={() => decide([deeds.decline(connection)])}
          >
            {t.approvals.decline}
          </Button>
          <Button
            data-testid="ignore"
            icon={<EyeOff className={icon} aria-hidden="true" />}
            onClick={() => decide([deeds.ignore(connection)])}
          >
            {t.approvals.ignore}
          </Button>
          <Menu
            items={block}
            trigger={
              <Button look="wary" data-testid="block" icon={<Ban className={icon} aria-hidden="true" />}>
                {t.approvals.block}
              </Button>
            }
          />
          <Menu
            items={more}
            trigger={
              <IconButton label={t.app.more} data-testid="more">
                <EllipsisVertical className="size-4" />
              </IconButton>
            }
          />
        </>
      }
    >
      <div className="flex min-h-6 flex-wrap items-center gap-x-1.5">
        <PersonName uri={connection.from} />
        <span className="text-muted">{t.approvals.asks}</span>
        <PersonName uri={connection.to} us={us} />
        {stranger && (
          <StateWord tone="warn" shape="half" className="text-sm">
            {t.approvals.stranger}
          </StateWord>
        )}
      </div>
      <p className="text-muted">
        {stranger ? t.approvals.meaning.both(from, to, provider) : t.approvals.meaning.connection(from, to)}
      </p>
      <p className="flex flex-wrap gap-x-3 text-sm text-muted">
        <span>
          {t.approvals.since} <Ago at={connection.created} />
        </span>
        <span title={t.approvals.expiresHint}>
          {t.approvals.expires} <Until at={connection.expires} />
        </span>
      </p>
    </WaitingRow>
  );
}
