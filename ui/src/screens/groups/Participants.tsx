import type { GroupDetail } from "@/bindings/GroupDetail";
import type { Participant } from "@/bindings/Participant";
import type { Peer } from "@/bindings/Peer";
import type { PeerStandingCode } from "@/bindings/PeerStandingCode";
import { Alias, useCalled } from "@/domain/demo/Alias";
import { useOwners } from "@/domain/group/hooks";
import { shutReason } from "@/domain/group/words";
import { useNode } from "@/domain/node/hooks";
import { usePeers } from "@/domain/peer/hooks";
import { cx } from "@/shared/class";
import { InspectorPart } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { Ago } from "@/shared/values";
import { t } from "@/text";

/** How far each provider has the log: a bar, and the same in words. */
export function Participants({ detail }: { detail: GroupDetail }) {
  const { summary, participants } = detail;
  const called = useCalled();
  const peers = usePeers().data?.peers ?? [];
  const isShut = shutReason(summary, useOwners()(summary), called) !== null;
  return (
    <InspectorPart title={t.groups.participants}>
      <ul className="grid gap-2" title={t.groups.participantsHint}>
        {participants.map((each) => (
          <Place
            key={each.provider}
            participant={each}
            head={summary.head}
            ownerAway={summary.owner_away_since !== null || isShut}
            peer={peers.find((peer) => peer.provider === each.provider)}
          />
        ))}
      </ul>
      {!summary.ours && (
        <p className="mt-1 text-sm text-muted">{t.groups.participantsElsewhere(called(summary.owner))}</p>
      )}
    </InspectorPart>
  );
}

/** Where these are so, nothing more of the group gets there. */
const SHUT: ReadonlySet<PeerStandingCode> = new Set(["blocked", "blocks-us", "key-changed", "not-fetched"]);

function Place({
  participant,
  head,
  ownerAway,
  peer,
}: {
  participant: Participant;
  head: number;
  ownerAway: boolean;
  /** Who it is, as a peer; none for this provider. */
  peer: Peer | undefined;
}) {
  const us = useNode()?.provider;
  const { provider, acknowledged, behind, until, last_pull, waiting } = participant;
  const isUs = provider === us;
  const shut = peer !== undefined && SHUT.has(peer.standing.code) ? peer.standing.text : null;
  const isHeld = (ownerAway && isUs) || shut !== null;
  const share = head === 0 ? 100 : Math.min(100, (acknowledged / head) * 100);
  return (
    <li data-testid={`participant-${provider}`}>
      <div className="flex flex-wrap items-center gap-x-2">
        <span className="font-medium wrap-anywhere">
          {provider}
          <Alias provider={provider} />
        </span>
        {isUs && <span className="text-sm text-muted">{t.groups.us}</span>}
        {isHeld && until === null && behind === 0 ? (
          <StateWord
            tone="warn"
            shape="half"
            title={shut ?? t.groups.upToThenHint}
            className="ml-auto text-sm"
          >
            {t.groups.upToThen}
          </StateWord>
        ) : until === null || behind > 0 ? (
          <StateWord
            tone={behind === 0 ? "ok" : "warn"}
            shape={behind === 0 ? "tick" : "half"}
            className="ml-auto text-sm"
          >
            {behind === 0 ? t.groups.upToDate : t.groups.behind(behind)}
          </StateWord>
        ) : (
          <StateWord tone="muted" shape="square" title={t.groups.cutOffHint} className="ml-auto text-sm">
            {t.groups.cutOff(until)}
          </StateWord>
        )}
      </div>
      <div className="my-0.5 h-1.5 overflow-hidden rounded-full bg-sunken" aria-hidden="true">
        <div
          className={cx(
            "h-full rounded-full",
            behind > 0 || (isHeld && until === null)
              ? "bg-warn"
              : until === null
                ? "bg-ok"
                : "bg-line-strong",
          )}
          style={{ width: `${share}%` }}
        />
      </div>
      {shut !== null && until === null && <p className="text-sm text-warn wrap-anywhere">{shut}</p>}
      <p className="text-sm text-muted">
        {t.groups.place(acknowledged, head)}
        {!isUs && until === null && (
          <>
            {" · "}
            {waiting ? (
              t.groups.pullWaits
            ) : last_pull === null ? (
              t.groups.neverPulled
            ) : (
              <>
                {t.groups.lastPull} <Ago at={last_pull} />
              </>
            )}
          </>
        )}
      </p>
    </li>
  );
}
