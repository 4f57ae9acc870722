/** A peer's state and what troubles it, in words. */
import type { Peer } from "@/bindings/Peer";
import type { Trouble } from "@/bindings/Trouble";
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

/** What is wrong, at which step, and when it goes on: one sentence for a row. */
export function PeerTrouble({ peer }: { peer: Peer }) {
  const trouble = currentTrouble(peer);
  const { next_try, failures, status } = peer.pulling;
  const retrying = status === "backing-off" && next_try !== null;
  if (trouble === undefined && !retrying) return null;
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
    </p>
  );
}

/** A trouble in full: where, what, since when, how often, and what to do. */
export function TroubleNote({ trouble }: { trouble: Trouble }) {
  return (
    <div className="grid gap-1">
      <div className="flex flex-wrap items-center gap-x-2">
        <StateWord
          tone={trouble.over ? "muted" : "bad"}
          shape={trouble.over ? "tick" : "triangle"}
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
          {remedy(trouble)}
        </p>
      )}
    </div>
  );
}
