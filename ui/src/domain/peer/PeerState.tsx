/** A peer's state and what troubles it, in words. */
import { Link } from "@tanstack/react-router";
import type { Peer } from "@/bindings/Peer";
import type { PeerStandingCode } from "@/bindings/PeerStandingCode";
import type { Trouble } from "@/bindings/Trouble";
import { LookLink } from "@/domain/check/LookLink";
import { useCalled } from "@/domain/demo/Alias";
import { GuideLink } from "@/domain/guide/GuideLink";
import { LongText } from "@/shared/LongText";
import { StateWord } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Ago, Until } from "@/shared/values";
import { t } from "@/text";
import { currentTrouble, peerWord, remedy } from "./words";

export function PeerStateWord({ peer }: { peer: Peer }) {
  const word = peerWord(peer);
  return (
    <StateWord tone={word.tone} shape={word.shape} title={word.hint}>
      {word.text}
    </StateWord>
  );
}

/** What is wrong without a step of ours at which it shows is told in the words of the judgement. */
const TOLD: ReadonlySet<PeerStandingCode> = new Set(["troubled", "refused", "not-fetched", "not-pulled"]);

/** What is wrong, at which step, and when it goes on: one sentence for a row. It leads to the doctor, unless that stands beside it. */
export function PeerTrouble({ peer, isLinked = true }: { peer: Peer; isLinked?: boolean }) {
  const trouble = currentTrouble(peer);
  const { next_try, failures, status } = peer.pulling;
  const retrying = status === "backing-off" && next_try !== null;
  if (trouble === undefined && !retrying) {
    if (!TOLD.has(peer.standing.code)) return null;
    return (
      <p data-testid="peer-trouble" className="text-sm text-warn wrap-anywhere">
        <bdi>{lineText(peer.standing.text, 300)}</bdi>
      </p>
    );
  }
  return (
    <p data-testid="peer-trouble" className="text-sm text-bad wrap-anywhere">
      {trouble !== undefined && (
        <>
          <span className="font-medium" title={t.stageHint[trouble.stage]}>
            {t.stage[trouble.stage]}:
          </span>{" "}
          <bdi>{lineText(trouble.text, 300)}</bdi>
        </>
      )}
      {retrying && (
        <span className="text-muted">
          {trouble === undefined ? "" : " · "}
          {failures > 0 && `${t.peers.tries(failures)} · `}
          {t.peers.nextTry} <Until at={next_try} due={t.peers.nextTryNow} />
        </span>
      )}
      {isLinked && (
        <>
          <span className="text-muted"> · </span>
          <LookLink provider={peer.provider} />
        </>
      )}
    </p>
  );
}

/** How it goes with a peer: the node's own sentence, who has to act, when it is tried, and what hangs on it. */
export function PeerStandingNote({ peer }: { peer: Peer }) {
  const { standing, suffers } = peer;
  const isBad = ["failing", "key-changed", "blocks-us"].includes(standing.code);
  const hurts = isBad || standing.code === "not-fetched";
  const waiting = suffers === null ? [] : t.peers.suffers(suffers);
  return (
    <div data-testid="peer-standing" className="mt-1 grid gap-0.5 text-sm">
      <p className={`wrap-anywhere ${isBad ? "text-bad" : ""}`}>
        <bdi>{lineText(standing.text, 600)}</bdi>
      </p>
      <p className="text-muted">
        {standing.side !== null && <span className="font-medium">{t.doctor.side[standing.side]} </span>}
        {standing.next}
      </p>
      {hurts && waiting.length > 0 && <p className="text-muted">{t.peers.suffersList(waiting)}</p>}
    </div>
  );
}

/** Why nothing gets to the provider that keeps a group, and when it is tried: the same sentences as under Peers. */
export function OwnerStandingNote({ peer }: { peer: Peer }) {
  const called = useCalled();
  const { text, next } = peer.standing;
  return (
    <p data-testid="owner-standing" className="text-sm wrap-anywhere">
      <span className="text-warn">
        {t.peers.ownerLead(called(peer.provider))} <bdi>{lineText(text, 600)}</bdi>
      </span>{" "}
      <span className="text-muted">{next}</span>{" "}
      <Link to="/peers" search={{ open: peer.provider }} className="text-accent underline underline-offset-2">
        {t.peers.lookAtPeer}
      </Link>
    </p>
  );
}

/** A trouble in full: where, what, since when, how often, and what to do. With `provider`, it leads to the doctor. */
export function TroubleNote({ trouble, provider }: { trouble: Trouble; provider?: string }) {
  return (
    <div className="grid gap-1">
      <div className="flex flex-wrap items-center gap-x-2">
        <StateWord
          tone={trouble.over ? "muted" : "bad"}
          shape={trouble.over ? "ring" : "triangle"}
          title={t.stageHint[trouble.stage]}
        >
          {t.stage[trouble.stage]}
        </StateWord>
        <span className="text-sm text-muted" title={t.peers.codeHint}>
          {t.peers.code} <code className="font-mono">{trouble.code}</code>
        </span>
        <span className="ml-auto text-sm text-muted">
          {trouble.over ? t.overview.over : t.overview.lasting}
        </span>
      </div>
      <LongText text={trouble.text} markdown={false} />
      <p className="text-sm text-muted">
        {t.units.times(trouble.count)} · {t.peers.first} <Ago at={trouble.first} /> · {t.peers.lastTime}{" "}
        <Ago at={trouble.last} />
      </p>
      {!trouble.over && (
        <p className="mt-1 border-l-2 border-accent pl-2">
          <span className="font-medium">{t.peers.remedy}: </span>
          {remedy(trouble)} {provider !== undefined && <LookLink provider={provider} />}{" "}
          <GuideLink code={trouble.code} stage={trouble.stage} />
        </p>
      )}
    </div>
  );
}
