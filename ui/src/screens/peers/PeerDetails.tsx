import { Link } from "@tanstack/react-router";
import { Ban, Check, Eraser, Pause, Play, RotateCw, Stethoscope } from "lucide-react";
import { useState } from "react";
import type { Peer } from "@/bindings/Peer";
import { Alias, useCalled } from "@/domain/demo/Alias";
import { ForgetDialog } from "@/domain/forget/ForgetDialog";
import { sentence } from "@/domain/node/admin";
import { isProvider } from "@/domain/node/identifiers";
import { ADDRESS_REFUSED, AllowAddress, AllowedAddresses } from "@/domain/peer/AllowAddress";
import { usePeer, usePeerActions } from "@/domain/peer/hooks";
import { PeerStandingNote, PeerStateWord, TroubleNote } from "@/domain/peer/PeerState";
import { isNotVouchedFor, TrustCertificate } from "@/domain/peer/TrustCertificate";
import { lag } from "@/domain/peer/words";
import { Button, buttonClass } from "@/shared/Button";
import { Confirm } from "@/shared/Dialog";
import { coarseSpan, count } from "@/shared/format";
import { Fault, Inspector, InspectorPart, Loading } from "@/shared/layout";
import { Mark } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Ago, Duration, Fact, Facts, Ident, Until } from "@/shared/values";
import { t } from "@/text";
import { Pulling, Serving } from "./columns";
import { Heartbeats } from "./Heartbeats";

const icon = "size-3.5";

/** One peer in full: what is wrong and what to do, both directions, keys. */
export function PeerDetails({ provider, onClose }: { provider: string; onClose: () => void }) {
  const read = usePeer(provider);
  const peer = read.data;
  return (
    <Inspector
      title={
        <>
          {provider}
          <Alias provider={provider} />
        </>
      }
      label={t.app.details}
      onClose={onClose}
    >
      {read.error !== null && peer === undefined && (
        <Fault onRetry={() => void read.refetch()}>
          {isProvider(provider) ? sentence(read.error) : t.app.noSuch.peer(lineText(provider, 100))}
        </Fault>
      )}
      {peer === undefined ? read.error === null && <Loading /> : <Details peer={peer} onClose={onClose} />}
    </Inspector>
  );
}

function Details({ peer, onClose }: { peer: Peer; onClose: () => void }) {
  const { theirs, ours, oursMs } = lag(peer);
  return (
    <>
      <div className="border-b border-line pb-3">
        <PeerStateWord peer={peer} />
        <PeerStandingNote peer={peer} />
        <Buttons peer={peer} onForgotten={onClose} />
      </div>
      {(peer.state === "key-changed" || peer.new_fingerprints.length > 0) && <NewKey peer={peer} />}
      <InspectorPart title={t.peers.directions}>
        <div className="grid grid-cols-2 gap-x-4">
          <div>
            <h4 className="text-sm text-muted" title={t.peers.column.pullingHint}>
              {t.peers.column.pulling}
            </h4>
            <Pulling peer={peer} />
          </div>
          <div>
            <h4 className="text-sm text-muted" title={t.peers.column.servingHint}>
              {t.peers.column.serving}
            </h4>
            <Serving peer={peer} />
          </div>
        </div>
        <Facts className="mt-2">
          <Fact name={t.peers.cursor} hint={t.peers.cursorHint}>
            {t.peers.of(peer.pulling.cursor, peer.pulling.head)}
            {theirs > 0 && <span className="text-muted"> · {t.peers.lagInHint(theirs)}</span>}
          </Fact>
          <Fact name={t.peers.acknowledged} hint={t.peers.acknowledgedHint}>
            {t.peers.of(peer.serving.acknowledged, peer.serving.head)}
            {ours > 0 && (
              <span className="text-muted">
                {" "}
                · {t.peers.lagOutHint(ours, oursMs === null ? null : coarseSpan(oursMs))}
              </span>
            )}
          </Fact>
          <Fact name={t.peers.column.latency} hint={t.peers.column.latencyHint}>
            <Duration ms={peer.latency_ms} />
          </Fact>
          {peer.pulling.failures > 0 && (
            <Fact name={t.peers.failures}>
              {count(peer.pulling.failures)}
              {peer.pulling.next_try !== null && (
                <span className="text-muted">
                  {" "}
                  · {t.peers.nextTry} <Until at={peer.pulling.next_try} due={t.peers.nextTryNow} />
                </span>
              )}
            </Fact>
          )}
        </Facts>
      </InspectorPart>
      <Heartbeats provider={peer.provider} />
      <InspectorPart title={t.peers.troubles}>
        {peer.troubles.length === 0 ? (
          <p className="text-muted">{t.peers.troublesEmpty}</p>
        ) : (
          <ul className="grid gap-3">
            {peer.troubles.map((trouble) => (
              <li key={`${trouble.stage} ${trouble.code} ${trouble.first}`}>
                <TroubleNote trouble={trouble} />
              </li>
            ))}
          </ul>
        )}
        {peer.troubles.some(isNotVouchedFor) && (
          <div className="mt-3">
            <TrustCertificate provider={peer.provider} />
          </div>
        )}
        {peer.troubles.some(({ code, over }) => code === ADDRESS_REFUSED && !over) && (
          <div className="mt-3">
            <AllowAddress provider={peer.provider} />
          </div>
        )}
        <AllowedAddresses provider={peer.provider} />
      </InspectorPart>
      <InspectorPart title={t.peers.keys}>
        {peer.fingerprints.length === 0 ? (
          <p className="text-muted">{t.peers.keysEmpty}</p>
        ) : (
          <ul>
            {peer.fingerprints.map((fingerprint) => (
              <li key={fingerprint} className="flex items-start gap-2">
                <Mark tone="ok" shape="tick" className="mt-1.5" />
                <span className="min-w-0">
                  <Ident value={fingerprint} what={t.approvals.keys} mono />
                  <span className="text-sm text-muted"> {t.peers.keysAccepted}</span>
                </span>
              </li>
            ))}
          </ul>
        )}
      </InspectorPart>
      <InspectorPart title={t.peers.about}>
        <Facts>
          <Fact name={t.peers.ourState}>
            {t.peers.state[peer.state]} <span className="text-muted">{t.peers.since} </span>
            <Ago at={peer.since} className="text-muted" />
          </Fact>
          <Fact name={t.peers.theirState}>
            {peer.their_state === null ? t.units.unknown : t.peers.theirs[peer.their_state]}
          </Fact>
          <Fact name={t.peers.column.connections} hint={t.peers.column.connectionsHint}>
            {count(peer.connections)}
          </Fact>
          {peer.kept !== null && (
            <Fact name={t.peers.kept} hint={t.peers.keptHint}>
              {t.peers.keptOf(peer.kept.requests, peer.kept.items, peer.kept.withdrawn)}
            </Fact>
          )}
          <Fact name={t.peers.software}>
            <bdi>{peer.software === null ? t.units.unknown : lineText(peer.software)}</bdi>
          </Fact>
          <Fact name={t.peers.endpoint}>
            {peer.endpoint === null ? (
              t.units.unknown
            ) : (
              <Ident value={peer.endpoint} what={t.peers.endpoint} />
            )}
          </Fact>
        </Facts>
        <Link
          to="/traffic"
          search={{ peer: peer.provider }}
          className="mt-2 inline-block text-accent underline underline-offset-2"
        >
          {t.peers.trafficWith}
        </Link>
      </InspectorPart>
    </>
  );
}

function Buttons({ peer, onForgotten }: { peer: Peer; onForgotten: () => void }) {
  const actions = usePeerActions();
  const [forgetting, setForgetting] = useState(false);
  const called = useCalled();
  const { provider, state } = peer;
  const paused = peer.pulling.status === "paused";
  return (
    <div className="mt-2 flex flex-wrap gap-1.5">
      {state === "allowed" && (
        <>
          <Button
            data-testid="retry"
            icon={<RotateCw className={icon} aria-hidden="true" />}
            onClick={() => void actions.retry(provider)}
          >
            {t.peers.retry}
          </Button>
          <Button
            icon={
              paused ? (
                <Play className={icon} aria-hidden="true" />
              ) : (
                <Pause className={icon} aria-hidden="true" />
              )
            }
            onClick={() => void actions.pause(provider, !paused)}
          >
            {paused ? t.peers.resume : t.peers.pause}
          </Button>
        </>
      )}
      {(state === "pending" || state === "blocked" || state === "unknown") && (
        <Button
          look={state === "pending" ? "primary" : "plain"}
          icon={<Check className={icon} aria-hidden="true" />}
          onClick={() => void actions.allow(provider)}
        >
          {state === "blocked" ? t.peers.unblock : t.peers.letIn}
        </Button>
      )}
      <Link to="/doctor" search={{ provider }} title={t.peers.checkHint} className={buttonClass({})}>
        <Stethoscope className={icon} aria-hidden="true" />
        {t.peers.runCheck}
      </Link>
      {state !== "blocked" && (
        <Button
          look="wary"
          title={t.approvals.blockProviderHint}
          icon={<Ban className={icon} aria-hidden="true" />}
          onClick={() => void actions.block(provider)}
        >
          {t.peers.block}
        </Button>
      )}
      {state !== "unknown" && (
        <Button
          look="wary"
          title={t.forget.peer.hint}
          icon={<Eraser className={icon} aria-hidden="true" />}
          onClick={() => setForgetting(true)}
        >
          {t.forget.peer.button}
        </Button>
      )}
      <ForgetDialog
        of={forgetting ? { kind: "peer", provider } : null}
        title={t.forget.peer.title(called(provider))}
        action={t.forget.peer.action(called(provider))}
        said={t.forget.peer.done(called(provider))}
        onClose={() => setForgetting(false)}
        onDone={onForgotten}
      />
    </div>
  );
}

function Fingerprints({ title, of }: { title: string; of: readonly string[] }) {
  return (
    <div>
      <dt className="text-sm text-muted">{title}</dt>
      {of.map((fingerprint) => (
        <dd key={fingerprint}>
          <Ident value={fingerprint} what={t.approvals.keys} mono />
        </dd>
      ))}
    </div>
  );
}

function NewKey({ peer }: { peer: Peer }) {
  const actions = usePeerActions();
  const [asking, setAsking] = useState(false);
  const called = useCalled();
  return (
    <InspectorPart title={t.peers.keysNew}>
      {peer.new_fingerprints.map((fingerprint) => (
        <div key={fingerprint} className="flex items-start gap-2">
          <Mark tone="bad" shape="diamond" className="mt-1.5" />
          <Ident value={fingerprint} what={t.approvals.keys} mono />
        </div>
      ))}
      <Button className="mt-2" data-testid="accept-key" onClick={() => setAsking(true)}>
        {t.peers.acceptKey}
      </Button>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        title={t.peers.acceptTitle(called(peer.provider))}
        text={t.peers.acceptText}
        action={t.peers.acceptKey}
        run={() => actions.acceptKey(peer.provider, peer.new_fingerprints)}
      >
        <dl className="mb-2 grid gap-2 rounded-md border border-line bg-sunken p-2">
          <Fingerprints title={t.peers.keyBefore} of={peer.fingerprints} />
          <Fingerprints title={t.peers.keyNow} of={peer.new_fingerprints} />
        </dl>
      </Confirm>
    </InspectorPart>
  );
}
