import { useState } from "react";
import type { Storage as Stored } from "@/bindings/Storage";
import { Alias } from "@/domain/demo/Alias";
import { GroupName } from "@/domain/group/GroupName";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { useDialogPlace } from "@/shared/address";
import { Button } from "@/shared/Button";
import { Dialog } from "@/shared/Dialog";
import { bytes } from "@/shared/format";
import { Fault, Loading, Panel } from "@/shared/layout";
import { toast } from "@/shared/toast";
import { Ago, Breakable, Bytes, Ident } from "@/shared/values";
import { t } from "@/text";
import { Retention } from "./Retention";

const words = t.settings.storage;
/** So many groups and providers are shown, those that take the most. */
const SHOWN = 5;

/** What takes room, after how long messages go, and giving room back. */
export function Storage() {
  const read = useRead("storage", {});
  const [choosing, setChoosing] = useDialogPlace("retention");
  const stored = read.data;
  return (
    <Panel title={words.title} testId="storage">
      {stored === undefined ? (
        read.error === null ? (
          <Loading />
        ) : (
          <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>
        )
      ) : (
        <>
          <Kinds stored={stored} />
          <Takers stored={stored} />
          <h3 className="mt-4 mb-1 font-semibold">{words.messages}</h3>
          <p className="mb-2 text-muted" data-testid="retention">
            {stored.retention_days === null ? words.kept : words.removedAfter(stored.retention_days)}
          </p>
          <Button data-testid="choose-retention" onClick={() => setChoosing(true)}>
            {words.choose}
          </Button>
          <Dialog
            wide
            open={choosing}
            onClose={() => setChoosing(false)}
            title={words.chooseTitle}
            text={words.chooseText}
          >
            <Retention stored={stored} onClose={() => setChoosing(false)} />
          </Dialog>
          <GiveBack stored={stored} />
        </>
      )}
    </Panel>
  );
}

/** What is there, by kind, each beside its part of the whole. */
function Kinds({ stored }: { stored: Stored }) {
  const kinds = stored.kinds.filter((kind) => kind.bytes > 0);
  const most = Math.max(1, ...kinds.map((kind) => kind.bytes));
  const all = kinds.reduce((sum, kind) => sum + kind.bytes, 0);
  return (
    <>
      <p className="mb-3">
        {words.all(bytes(all))}{" "}
        {stored.disk_free_bytes !== null && (
          <span className="text-muted">{words.diskFree(bytes(stored.disk_free_bytes))}</span>
        )}
      </p>
      <table className="w-full" data-testid="storage-kinds">
        <caption className="sr-only">{words.byKind}</caption>
        <tbody>
          {kinds.map(({ kind, bytes: octets, count: pieces }) => {
            const [name, hint, noun] = words.kinds[kind];
            return (
              <tr key={kind} title={hint}>
                <th scope="row" className="py-0.5 pr-3 text-left align-top font-normal">
                  {name}
                  {pieces !== null && noun !== null && (
                    <span className="block text-sm text-muted">{noun(pieces)}</span>
                  )}
                </th>
                <td className="w-1/3 py-0.5 pr-3 align-top max-sm:hidden" aria-hidden="true">
                  <svg
                    className="mt-1.5 h-2 w-full"
                    preserveAspectRatio="none"
                    viewBox="0 0 100 1"
                    aria-hidden="true"
                  >
                    <rect className="fill-sunken" width="100" height="1" />
                    <rect className="fill-accent-fill" width={(100 * octets) / most} height="1" />
                  </svg>
                </td>
                <td className="w-24 py-0.5 text-right align-top tabular-nums">
                  <Bytes n={octets} />
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </>
  );
}

/** The groups and the providers that take the most. */
function Takers({ stored }: { stored: Stored }) {
  const more = (all: number) =>
    all > SHOWN && <p className="mt-1 text-sm text-muted">{words.more(all - SHOWN)}</p>;
  return (
    <>
      {stored.groups.length > 0 && (
        <>
          <h3 className="mt-4 mb-1 font-semibold">{words.byGroup}</h3>
          <ul className="grid gap-1" data-testid="storage-groups">
            {stored.groups.slice(0, SHOWN).map((group) => (
              <li key={group.group} className="flex items-baseline gap-3">
                <span className="min-w-0 flex-1">
                  <GroupName uri={group.group} name={group.name} />
                  <span className="block text-sm text-muted">
                    {words.events(group.events)}
                    {group.contents_from !== null && ` ${words.contentsFrom(group.contents_from)}`}
                  </span>
                </span>
                <Bytes n={group.bytes} />
              </li>
            ))}
          </ul>
          {more(stored.groups.length)}
        </>
      )}
      {stored.peers.length > 0 && (
        <>
          <h3 className="mt-4 mb-1 font-semibold">{words.byPeer}</h3>
          <ul className="grid gap-1" data-testid="storage-peers">
            {stored.peers.slice(0, SHOWN).map((peer) => (
              <li key={peer.provider} className="flex items-baseline gap-3">
                <span className="min-w-0 flex-1">
                  <Ident value={peer.provider} what="address">
                    <Breakable text={peer.provider} />
                    <Alias provider={peer.provider} />
                  </Ident>
                  <span className="block text-sm text-muted">
                    {words.forPeer(peer.waiting, bytes(peer.feed_bytes))}
                    {peer.groups > 0 && ` ${words.ofPeer(peer.groups, bytes(peer.group_bytes))}`}
                  </span>
                </span>
                <Bytes n={peer.bytes} />
              </li>
            ))}
          </ul>
          {more(stored.peers.length)}
        </>
      )}
    </>
  );
}

function freeWords({ compacting_bytes: left, free_bytes: free }: Stored): string {
  if (left !== null) return words.left(bytes(left));
  return free === 0 ? words.freeNone : words.freeText(bytes(free));
}

/** Free room of the store's file, and what becomes of it. */
function GiveBack({ stored }: { stored: Stored }) {
  const admin = useAdmin();
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  const compact = async () => {
    setBusy(true);
    setFault(null);
    try {
      const { compacted } = await admin.call("compact", {});
      if (compacted !== null) toast(words.given(bytes(compacted.before_bytes - compacted.after_bytes)));
    } catch (refused) {
      setFault(sentence(refused));
    } finally {
      setBusy(false);
      await admin.refresh("storage");
    }
  };
  const left = stored.compacting_bytes;
  const done = stored.compacted;
  return (
    <>
      <h3 className="mt-4 mb-1 font-semibold">{words.free}</h3>
      <p className="mb-2 text-muted" data-testid="free-room">
        {freeWords(stored)}{" "}
        {left === null && done !== null && (
          <>
            {words.lastGiven(bytes(done.before_bytes - done.after_bytes))} <Ago at={done.at} />.
          </>
        )}
      </p>
      {fault !== null && <Fault>{fault}</Fault>}
      <Button
        data-testid="compact"
        disabled={busy || left !== null || stored.free_bytes === 0}
        onClick={() => void compact()}
      >
        {busy || left !== null ? words.giving : words.give}
      </Button>
    </>
  );
}
