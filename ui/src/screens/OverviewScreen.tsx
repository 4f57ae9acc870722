import { Link } from "@tanstack/react-router";
import type { Connection } from "@/bindings/Connection";
import type { NodeStatus } from "@/bindings/NodeStatus";
import type { Peer } from "@/bindings/Peer";
import { OwnLookLink } from "@/domain/check/LookLink";
import { additionKey, countWaiting, useApprovals } from "@/domain/connection/approvals";
import { Alias, useCalled } from "@/domain/demo/Alias";
import { GroupName } from "@/domain/group/GroupName";
import { sentence } from "@/domain/node/admin";
import { healthWord } from "@/domain/node/health";
import { useLink, useStatus } from "@/domain/node/hooks";
import { PersonName } from "@/domain/node/PersonName";
import { usePeers } from "@/domain/peer/hooks";
import { PeerStateWord, PeerTrouble } from "@/domain/peer/PeerState";
import { peerWord, pullingWord, servingWord } from "@/domain/peer/words";
import { count } from "@/shared/format";
import { Empty, Fault, Loading, Panel, Screen } from "@/shared/layout";
import { Mark, type Tone } from "@/shared/Mark";
import { Ago, Bytes, Fact, Facts, Ident, Lasting } from "@/shared/values";
import { t } from "@/text";
import { DemoGuide } from "./overview/DemoGuide";
import { OpenRepairs } from "./overview/OpenRepairs";
import { OwnFacts } from "./overview/OwnFacts";
import { RateChart, RateNow } from "./overview/RateChart";

const FIRST_FEW = 5;

/** Is everything well? */
export function OverviewScreen() {
  const status = useStatus();
  const peers = usePeers();
  const node = status.data?.node;
  if (status.error && node == null) {
    return (
      <Screen title={t.overview.title}>
        <Fault onRetry={() => void status.refetch()}>{sentence(status.error)}</Fault>
      </Screen>
    );
  }
  if (node == null) {
    return (
      <Screen title={t.overview.title}>
        <Loading />
      </Screen>
    );
  }
  return (
    <Screen title={t.overview.title}>
      <DemoGuide />
      <Health node={node} />
      <div className="grid items-start gap-4 min-[62rem]:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="grid min-w-0 gap-4">
          <Waits node={node} />
          <Federation us={node.provider} peers={peers.data?.peers ?? []} />
          <OpenRepairs />
        </div>
        <div className="grid min-w-0 gap-4">
          <Panel title={t.overview.rate} hint={t.overview.rateHint} actions={<RateNow />}>
            <RateChart />
          </Panel>
          <NodeFacts node={node} version={status.data?.version ?? ""} />
        </div>
      </div>
    </Screen>
  );
}

/** The first thing read: how it is, in words. */
function Health({ node }: { node: NodeStatus }) {
  const { tone, shape, text, more, isAboutUs } = healthWord(node.health, useLink(), useCalled());
  const waiting = node.waiting_connections + node.waiting_providers + node.waiting_additions;
  return (
    <div className="mb-4 flex items-start gap-3" data-testid="health" data-health={node.health.code}>
      <Mark tone={tone} shape={shape} className="mt-1.5 size-4" />
      <div className="min-w-0">
        <p className="text-xl font-semibold wrap-anywhere" role="status">
          {text}
        </p>
        <p className="text-muted">
          {more} {isAboutUs && <OwnLookLink />}{" "}
          {waiting > 0 && (
            <>
              <Link to="/approvals" className="font-medium text-accent underline underline-offset-2">
                {node.health.code === "waiting" ? t.overview.waitsAll : t.overview.waiting(waiting)}
              </Link>{" "}
            </>
          )}
          {t.overview.since} <Lasting since={node.started} />.
        </p>
      </div>
    </div>
  );
}

function Waits({ node }: { node: NodeStatus }) {
  const { data } = useApprovals();
  const all = countWaiting(data);
  return (
    <Panel
      title={t.overview.waits}
      flush
      actions={
        <Link to="/approvals" className="text-sm text-accent underline underline-offset-2">
          {t.overview.waitsAll}
          {all > 0 && ` (${count(all)})`}
        </Link>
      }
    >
      {data === undefined ? (
        <Loading />
      ) : all === 0 ? (
        <Empty>{t.overview.waitsEmpty}</Empty>
      ) : (
        <ul className="divide-y divide-line">
          {data.providers.slice(0, FIRST_FEW).map((each) => (
            <li key={each.provider} className="flex flex-wrap items-center gap-x-2 px-3 py-1.5">
              <Mark tone="wait" shape="half" />
              <span className="font-semibold wrap-anywhere">
                {each.provider}
                <Alias provider={each.provider} />
              </span>
              <span className="text-muted">{t.overview.wantsIn}</span>
              <Ago at={each.since} className="ml-auto text-sm text-muted" />
            </li>
          ))}
          {data.incoming.slice(0, FIRST_FEW).map((each: Connection) => (
            <li key={`${each.from} ${each.id}`} className="flex flex-wrap items-center gap-x-1.5 px-3 py-1">
              <Mark tone="wait" shape="half" />
              <PersonName uri={each.from} />
              <span className="text-muted">{t.approvals.asks}</span>
              <PersonName uri={each.to} us={node.provider} />
              <Ago at={each.created} className="ml-auto text-sm text-muted" />
            </li>
          ))}
          {data.additions.slice(0, FIRST_FEW).map((each) => (
            <li key={additionKey(each)} className="flex flex-wrap items-center gap-x-1.5 px-3 py-1">
              <Mark tone="wait" shape="half" />
              <PersonName uri={each.adder} us={node.provider} />
              <span className="text-muted">{t.approvals.wantsToAdd}</span>
              <PersonName uri={each.user} us={node.provider} />
              <span className="text-muted">{t.approvals.toGroup}</span>
              <GroupName uri={each.group} name={each.group_name} />
              <Ago at={each.created} className="ml-auto text-sm text-muted" />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

/** Each peer with both directions: a map that is read like a list. */
function Federation({ us, peers }: { us: string; peers: readonly Peer[] }) {
  const shown = peers
    .filter((peer) => peer.state !== "unknown")
    .toSorted((a, b) => peerWord(a).rank - peerWord(b).rank)
    .slice(0, 12);
  return (
    <Panel
      title={t.overview.peers}
      flush
      actions={
        <Link to="/peers" className="text-sm text-accent underline underline-offset-2">
          {t.overview.allPeers}
          {peers.length > 0 && ` (${count(peers.length)})`}
        </Link>
      }
    >
      {shown.length === 0 ? (
        <Empty>{t.overview.peersEmpty}</Empty>
      ) : (
        <ul className="divide-y divide-line">
          {shown.map((peer) => (
            <li key={peer.provider} className="px-3 py-2">
              <div className="grid grid-cols-[auto_minmax(3rem,1fr)_minmax(0,12.5rem)_11rem] items-center gap-x-3 max-sm:grid-cols-[auto_1fr]">
                <span className="text-sm text-muted max-sm:hidden" title={us}>
                  {t.overview.us}
                </span>
                <Directions peer={peer} />
                <Link
                  to="/peers"
                  search={{ open: peer.provider }}
                  className="font-semibold wrap-anywhere hover:underline max-sm:order-first"
                >
                  {peer.provider}
                  <Alias provider={peer.provider} />
                </Link>
                <span>
                  <PeerStateWord peer={peer} />
                </span>
              </div>
              <PeerTrouble peer={peer} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Directions({ peer }: { peer: Peer }) {
  const out = pullingWord(peer);
  const back = servingWord(peer);
  return (
    <span className="grid min-w-0 gap-1 max-sm:hidden">
      <Line
        tone={out.tone}
        words={`${t.overview.weAskThem}: ${out.text}`}
        solid={peer.pulling.status === "waiting" && out.tone !== "bad"}
      />
      <Line
        tone={back.tone}
        words={`${t.overview.theyAskUs}: ${back.text}`}
        solid={peer.serving.waiting}
        back
      />
    </span>
  );
}

const strokes: Record<Tone, string> = {
  ok: "var(--ok)",
  warn: "var(--warn)",
  bad: "var(--bad)",
  wait: "var(--accent)",
  muted: "var(--control)",
};

/** A direction: its arrow shows the way, its colour and dashes the state, its title and name say it in words. */
function Line({ tone, words, solid, back }: { tone: Tone; words: string; solid: boolean; back?: boolean }) {
  return (
    <span className="flex items-center" role="img" aria-label={words} title={words}>
      {back && <Head tone={tone} back />}
      <svg viewBox="0 0 100 4" preserveAspectRatio="none" className="h-1 w-0 flex-1" aria-hidden="true">
        <path
          d="M0 2H100"
          stroke={strokes[tone]}
          strokeWidth="1.5"
          vectorEffect="non-scaling-stroke"
          {...(solid ? {} : { strokeDasharray: "4 3" })}
        />
      </svg>
      {!back && <Head tone={tone} />}
    </span>
  );
}

function Head({ tone, back }: { tone: Tone; back?: boolean }) {
  return (
    <svg viewBox="0 0 6 8" className="h-2 w-1.5 shrink-0" aria-hidden="true">
      <path d={back ? "M6 0 0 4 6 8z" : "M0 0 6 4 0 8z"} fill={strokes[tone]} />
    </svg>
  );
}

function NodeFacts({ node, version }: { node: NodeStatus; version: string }) {
  const fact = t.overview.fact;
  const name = ([text, hint]: readonly [string, string]) => ({ name: text, hint });
  return (
    <Panel title={t.overview.facts}>
      <Facts>
        <Fact {...name(fact.provider)}>
          <Ident value={node.provider} what={fact.provider[0]} className="font-semibold" />
        </Fact>
        <Fact {...name(fact.endpoint)}>
          <Ident value={node.endpoint} what={fact.endpoint[0]} />
        </Fact>
        <Fact {...name(fact.fingerprint)}>
          <Ident value={node.fingerprint} what={fact.fingerprint[0]} mono />
        </Fact>
        <OwnFacts own={node.ourselves} />
        <Fact {...name(fact.uptime)}>
          <Lasting since={node.started} />
        </Fact>
        <Fact {...name(fact.users)}>
          <Link to="/accounts" className="text-accent underline underline-offset-2">
            {count(node.users)}
          </Link>
        </Fact>
        <Fact {...name(fact.connections)}>{count(node.connections)}</Fact>
        <Fact {...name(fact.waitingPulls)}>{count(node.waiting_pulls)}</Fact>
        <Fact {...name(fact.pulls)}>{t.overview.perMinute(node.pulls_last_minute)}</Fact>
        <Fact {...name(fact.store)}>
          <Link to="/settings" hash="storage" className="text-accent underline underline-offset-2">
            <Bytes n={node.store_bytes} />
          </Link>
        </Fact>
        <Fact {...name(fact.folder)}>
          <Ident value={node.data_dir} what={fact.folder[0]} />
        </Fact>
        <Fact {...name(fact.version)}>
          {version}
          {node.newer !== null && (
            <span className="block text-sm text-muted">
              {t.overview.newer(node.newer.peers, node.newer.version)}
            </span>
          )}
        </Fact>
      </Facts>
      <h3 className="mt-3 mb-1 border-t border-line pt-2 text-sm font-semibold text-muted">
        {t.overview.listeners}
      </h3>
      <ul className="grid gap-0.5">
        {node.listeners.map((listener) => {
          const [text, hint] = t.overview.listener[listener.name] ?? [listener.name, ""];
          return (
            <li
              key={`${listener.name} ${listener.address}`}
              className="flex flex-wrap items-center gap-x-2"
              title={hint}
            >
              <span className="w-28 text-muted">{text}</span>
              <span className="wrap-anywhere">{listener.address}</span>
              <span className="text-sm text-muted">{listener.tls ? t.overview.tls : t.overview.plain}</span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
