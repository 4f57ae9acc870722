/** The columns of Peers: both directions apart, each with its state in words and its last sign of life. */

import type { Peer } from "@/bindings/Peer";
import { Alias } from "@/domain/demo/Alias";
import { PeerStateWord } from "@/domain/peer/PeerState";
import { lag, peerWord, pullingWord, servingWord } from "@/domain/peer/words";
import type { Column } from "@/shared/DataTable";
import { coarseSpan, count } from "@/shared/format";
import { StateWord } from "@/shared/Mark";
import { Ago, Breakable, Duration } from "@/shared/values";
import { t } from "@/text";

export function Pulling({ peer }: { peer: Peer }) {
  const { tone, shape, text, hint } = pullingWord(peer);
  const { last_pull } = peer.pulling;
  return (
    <div className="min-w-0">
      <StateWord tone={tone} shape={shape} title={hint}>
        {text}
      </StateWord>
      <LastPull at={last_pull} never={t.peers.neverPulled} />
    </div>
  );
}

export function Serving({ peer }: { peer: Peer }) {
  const word = servingWord(peer);
  const { last_pull } = peer.serving;
  return (
    <div className="min-w-0">
      <StateWord tone={word.tone} shape={word.shape} title={word.hint}>
        {word.text}
      </StateWord>
      {word.text !== t.peers.serving.never && <LastPull at={last_pull} never={t.peers.neverServed} />}
    </div>
  );
}

function LastPull({ at, never }: { at: string | null; never: string }) {
  return (
    <div className="text-sm text-muted">
      {at === null ? (
        never
      ) : (
        <>
          {t.peers.last} <Ago at={at} />
        </>
      )}
    </div>
  );
}

function Lag({ peer }: { peer: Peer }) {
  const { theirs, ours, oursMs } = lag(peer);
  if (theirs === 0 && ours === 0) return <span className="text-muted">{t.peers.noLag}</span>;
  const span = oursMs === null ? null : coarseSpan(oursMs);
  return (
    <div className="grid">
      {theirs > 0 && <span title={t.peers.lagInHint(theirs)}>{t.peers.lagIn(theirs)}</span>}
      {ours > 0 && <span title={t.peers.lagOutHint(ours, span)}>{t.peers.lagOut(ours, span)}</span>}
    </div>
  );
}

const column = t.peers.column;
const time = (at: string | null) => (at === null ? 0 : Date.parse(at));

export const peerColumns: readonly Column<Peer>[] = [
  {
    id: "provider",
    header: column.provider,
    accessorFn: (peer) => peer.provider,
    cell: ({ row }) => (
      <>
        <Breakable text={row.original.provider} />
        <Alias provider={row.original.provider} />
      </>
    ),
    sortingFn: "alphanumeric",
    meta: { width: "minmax(8rem, 2fr)" },
  },
  {
    id: "state",
    header: column.state,
    accessorFn: (peer) => peerWord(peer).rank,
    cell: ({ row }) => <PeerStateWord peer={row.original} />,
    sortingFn: "basic",
    meta: { width: "minmax(7.5rem, 1.2fr)" },
  },
  {
    id: "pulling",
    header: column.pulling,
    accessorFn: (peer) => time(peer.pulling.last_pull),
    cell: ({ row }) => <Pulling peer={row.original} />,
    sortingFn: "basic",
    meta: { width: "minmax(7.5rem, 1.2fr)", hint: column.pullingHint },
  },
  {
    id: "serving",
    header: column.serving,
    accessorFn: (peer) => time(peer.serving.last_pull),
    cell: ({ row }) => <Serving peer={row.original} />,
    sortingFn: "basic",
    meta: { width: "minmax(7.5rem, 1.2fr)", hint: column.servingHint },
  },
  {
    id: "lag",
    header: column.lag,
    accessorFn: (peer) => lag(peer).theirs + lag(peer).ours,
    cell: ({ row }) => <Lag peer={row.original} />,
    sortingFn: "basic",
    meta: { width: "minmax(4rem, 0.7fr)", hint: column.lagHint, end: true, from: 640 },
  },
  {
    id: "latency",
    header: column.latency,
    accessorFn: (peer) => peer.latency_ms ?? Number.POSITIVE_INFINITY,
    cell: ({ row }) => <Duration ms={row.original.latency_ms} title={column.latencyHint} />,
    sortingFn: "basic",
    meta: { width: "4.5rem", hint: column.latencyHint, end: true, from: 720 },
  },
  {
    id: "connections",
    header: column.connections,
    accessorFn: (peer) => peer.connections,
    cell: ({ row }) => <span title={column.connectionsHint}>{count(row.original.connections)}</span>,
    sortingFn: "basic",
    meta: { width: "6.5rem", hint: column.connectionsHint, end: true, from: 780 },
  },
];
