import type { GroupDetail } from "@/bindings/GroupDetail";
import type { Participant } from "@/bindings/Participant";
import { Alias, useCalled } from "@/domain/demo/Alias";
import { useNode } from "@/domain/node/hooks";
import { cx } from "@/shared/class";
import { InspectorPart } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { Ago } from "@/shared/values";
import { t } from "@/text";

/** How far each provider has the log: a bar, and the same in words. */
export function Participants({ detail }: { detail: GroupDetail }) {
  const { summary, participants } = detail;
  const called = useCalled();
  return (
    <InspectorPart title={t.groups.participants}>
      <ul className="grid gap-2" title={t.groups.participantsHint}>
        {participants.map((each) => (
          <Place
            key={each.provider}
            participant={each}
            head={summary.head}
            ownerAway={summary.owner_away_since !== null}
          />
        ))}
      </ul>
      {!summary.ours && (
        <p className="mt-1 text-sm text-muted">{t.groups.participantsElsewhere(called(summary.owner))}</p>
      )}
    </InspectorPart>
  );
}

function Place({
  participant,
  head,
  ownerAway,
}: {
  participant: Participant;
  head: number;
  ownerAway: boolean;
}) {
  const us = useNode()?.provider;
  const { provider, acknowledged, behind, until, last_pull, waiting } = participant;
  const isUs = provider === us;
  const share = head === 0 ? 100 : Math.min(100, (acknowledged / head) * 100);
  return (
    <li data-testid={`participant-${provider}`}>
      <div className="flex flex-wrap items-center gap-x-2">
        <span className="font-medium wrap-anywhere">
          {provider}
          <Alias provider={provider} />
        </span>
        {isUs && <span className="text-sm text-muted">{t.groups.us}</span>}
        {ownerAway && isUs && behind === 0 ? (
          <StateWord tone="warn" shape="half" title={t.groups.upToThenHint} className="ml-auto text-sm">
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
            behind > 0 || (ownerAway && isUs) ? "bg-warn" : until === null ? "bg-ok" : "bg-line-strong",
          )}
          style={{ width: `${share}%` }}
        />
      </div>
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
