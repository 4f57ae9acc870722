import type { GroupDetail } from "@/bindings/GroupDetail";
import type { GroupPolicy } from "@/bindings/GroupPolicy";
import { Alias } from "@/domain/demo/Alias";
import { useGroup } from "@/domain/group/hooks";
import { groupTitle } from "@/domain/group/words";
import { sentence } from "@/domain/node/admin";
import { groupOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { count } from "@/shared/format";
import { Fault, Inspector, InspectorPart, Loading } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { Ago, Bytes, Fact, Facts, Ident } from "@/shared/values";
import { t } from "@/text";
import { CompareCopies, Forks } from "./CompareCopies";
import { ShutNote, Standing } from "./columns";
import { Events } from "./Events";
import { GroupActions } from "./GroupActions";
import { LostBranch } from "./LostBranch";
import { Participants } from "./Participants";
import { Roster } from "./Roster";

/** One group: who is in it by whose leave, how far its log is and who has how much of it. */
export function GroupDetails({ group, onClose }: { group: string; onClose: () => void }) {
  const read = useGroup(group);
  const detail = read.data;
  return (
    <Inspector
      width="wide"
      title={detail === undefined ? group : groupTitle(detail.summary)}
      label={t.app.details}
      onClose={onClose}
    >
      {read.error !== null && detail === undefined && (
        <Fault onRetry={() => void read.refetch()}>
          {groupOf(group) === null ? t.app.noSuch.group(lineText(group, 100)) : sentence(read.error)}
        </Fault>
      )}
      {detail === undefined ? (
        read.error === null && <Loading />
      ) : (
        <Details detail={detail} onClose={onClose} />
      )}
    </Inspector>
  );
}

function Details({ detail, onClose }: { detail: GroupDetail; onClose: () => void }) {
  const { summary } = detail;
  return (
    <>
      <div className="border-b border-line pb-3">
        <p className="flex flex-wrap items-center gap-x-2">
          <Standing group={summary} />
          <span className="text-muted">
            {t.groups.people(summary.users)} · {t.groups.clients(summary.clients)} ·{" "}
            {t.groups.providers(summary.providers)}
          </span>
        </p>
        <ShutNote group={summary} />
        {summary.owner_away_since !== null && (
          <p className="mt-1 text-warn">
            {t.groups.ownerLast} <Ago at={summary.owner_away_since} />. {t.groups.upToThenHint}.
          </p>
        )}
        {summary.fault !== null && (
          <>
            <p className="mt-1 text-bad wrap-anywhere">
              <bdi>{lineText(summary.fault, 1_000)}</bdi>
            </p>
            <p className="mt-1 border-l-2 border-accent pl-2">
              <span className="font-medium">{t.peers.remedy}: </span>
              {t.groups.brokenRemedy}
            </p>
          </>
        )}
        <Forks group={summary.group} forks={detail.forks} />
        <Unproved detail={detail} />
        <GroupActions detail={detail} onForgotten={onClose} />
      </div>
      <InspectorPart title={t.groups.log}>
        <Facts>
          <Fact name={t.groups.head} hint={t.groups.headHint}>
            {count(summary.head)}
          </Fact>
          <Fact name={t.groups.hash} hint={t.groups.hashHint}>
            <Ident value={detail.hash} what={t.groups.hash} mono />
          </Fact>
          <Fact name={t.groups.epoch} hint={t.groups.epochHint}>
            {count(summary.epoch)}
          </Fact>
        </Facts>
      </InspectorPart>
      <Participants detail={detail} />
      {summary.standing !== "over" && <CompareCopies group={summary.group} />}
      <Roster detail={detail} />
      <InspectorPart title={t.groups.policy}>
        {detail.policy === null ? (
          <p className="text-muted">{t.groups.policyUnknown}</p>
        ) : (
          <Policy policy={detail.policy} us={summary.owner} />
        )}
      </InspectorPart>
      <InspectorPart title={t.groups.events}>
        <Events group={summary.group} events={detail.events} />
      </InspectorPart>
      {detail.branches.map((branch) => (
        <LostBranch key={branch.at} branch={branch} />
      ))}
      <InspectorPart title={t.groups.about}>
        <Facts>
          <Fact name={t.groups.address}>
            <Ident value={summary.group} what={t.groups.address} />
          </Fact>
          <Fact name={t.groups.owner} hint={summary.ours ? t.groups.oursHint : undefined}>
            {summary.ours ? (
              t.groups.us
            ) : (
              <>
                <Ident value={summary.owner} what={t.groups.owner} />
                <Alias provider={summary.owner} />
              </>
            )}
          </Fact>
          <Fact name={t.groups.created}>
            <Ago at={summary.created} />
          </Fact>
          <Fact name={t.groups.suite} hint={t.groups.suiteHint}>
            {detail.cipher_suite}
          </Fact>
          <Fact name={t.groups.storage} hint={t.groups.column.bytesHint}>
            <Bytes n={summary.bytes} />
          </Fact>
        </Facts>
      </InspectorPart>
    </>
  );
}

/** What rests on the word of another provider, until it is proved. */
function Unproved({ detail }: { detail: GroupDetail }) {
  if (detail.unproved.length === 0) return null;
  return (
    <div className="mt-1">
      {detail.unproved.map((each) => (
        <p
          key={each.from}
          className="flex flex-wrap items-center gap-x-1.5 wrap-anywhere"
          data-testid={`unproved-${each.from}`}
        >
          <StateWord tone="warn" shape="diamond">
            {t.groups.unprovedMessages(each.messages)}:
          </StateWord>{" "}
          <span>
            {t.groups.unprovedFrom(each.first, each.last, each.from)}
            <Alias provider={each.from} />
          </span>
        </p>
      ))}
      <p className="text-sm text-muted">{t.groups.unprovedMessagesWhy}</p>
    </div>
  );
}

function Policy({ policy, us }: { policy: GroupPolicy; us: string }) {
  return (
    <Facts>
      <Fact name={t.groups.maySend}>{t.groups.who[policy.send]}</Fact>
      <Fact name={t.groups.mayAdd}>{t.groups.who[policy.add]}</Fact>
      <Fact name={t.groups.mayAdmin}>
        <span className="flex flex-wrap gap-x-3">
          {policy.admins.map((uri) => (
            <PersonName key={uri} uri={uri} us={us} />
          ))}
        </span>
      </Fact>
    </Facts>
  );
}
