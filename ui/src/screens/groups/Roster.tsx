import { ShieldAlert, ShieldCheck } from "lucide-react";
import { useState } from "react";
import type { GrantView } from "@/bindings/GrantView";
import type { GroupDetail } from "@/bindings/GroupDetail";
import type { RosterProvider } from "@/bindings/RosterProvider";
import type { RosterUser } from "@/bindings/RosterUser";
import { Alias, useCalled } from "@/domain/demo/Alias";
import { useGroupActions } from "@/domain/group/hooks";
import { groupTitle } from "@/domain/group/words";
import { useNode } from "@/domain/node/hooks";
import { clientName, nameOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { Button } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Confirm } from "@/shared/Dialog";
import { InspectorPart } from "@/shared/layout";
import { t } from "@/text";
import { GrantDialog } from "./GrantDialog";

/** Who is in a group, by provider, with what allowed adding each. */
export function Roster({ detail }: { detail: GroupDetail }) {
  const us = useNode()?.provider;
  const called = useCalled();
  const [grant, setGrant] = useState<GrantView | null>(null);
  const [removing, setRemoving] = useState<RosterProvider | null>(null);
  const actions = useGroupActions();
  const admin = detail.accounts.find((account) => account.built_in && account.admin);
  const live = detail.summary.standing === "live";
  const names = removing?.users.map((each) => nameOf(each.user)) ?? [];
  return (
    <InspectorPart title={t.groups.roster}>
      {detail.roster.length === 0 ? (
        <p className="text-muted">{t.groups.rosterEmpty}</p>
      ) : (
        <div className="grid gap-3">
          {detail.roster.map((each) => (
            <section key={each.provider} aria-label={each.provider}>
              <div className="flex min-h-7 items-center gap-2">
                <h4 className="font-semibold wrap-anywhere">
                  {each.provider}
                  <Alias provider={each.provider} />
                </h4>
                <span className="text-sm text-muted">{t.groups.people(each.users.length)}</span>
                {admin !== undefined && live && each.provider !== us && (
                  <Button
                    small
                    look="wary"
                    className="ml-auto"
                    aria-label={t.groups.removeProvider(called(each.provider))}
                    onClick={() => setRemoving(each)}
                  >
                    {t.groups.removeAll}
                  </Button>
                )}
              </div>
              <ul className="divide-y divide-line rounded-md border border-line">
                {each.users.map((user) => (
                  <Person key={user.user} user={user} provider={each.provider} onGrant={setGrant} />
                ))}
              </ul>
            </section>
          ))}
        </div>
      )}
      <GrantDialog grant={grant} onClose={() => setGrant(null)} />
      <Confirm
        danger
        open={removing !== null}
        onClose={() => setRemoving(null)}
        title={t.groups.removeTitle(called(removing?.provider ?? ""), groupTitle(detail.summary))}
        text={t.groups.removeText(names.join(", "))}
        action={t.groups.removeButton(names.length)}
        run={async () =>
          admin === undefined || removing === null
            ? null
            : actions.remove(
                admin.user,
                detail.summary.group,
                removing.users.map((each) => each.user),
              )
        }
      />
    </InspectorPart>
  );
}

/** How somebody came in. Who was in it before the clients that are in it now was in it longer than the roster says. */
function Origin({ user: { user, added_by, grant, since_epoch } }: { user: RosterUser }) {
  const isByThemselves = grant === null && added_by === user;
  if (isByThemselves && since_epoch > 0) return <span title={t.groups.earlierHint}>{t.groups.earlier}</span>;
  return (
    <>
      {isByThemselves ? t.groups.creator : t.groups.addedBy(nameOf(added_by))} ·{" "}
      {t.groups.sinceEpoch(since_epoch)}
    </>
  );
}

function Person({
  user,
  provider,
  onGrant,
}: {
  user: RosterUser;
  provider: string;
  onGrant: (grant: GrantView) => void;
}) {
  const { grant } = user;
  const Shield = grant?.verified ? ShieldCheck : ShieldAlert;
  return (
    <li className="px-2 py-1">
      <div className="flex flex-wrap items-center gap-x-2">
        <PersonName uri={user.user} us={provider} />
        {user.admin && (
          <span className="rounded-sm border border-line-strong px-1 text-xs font-medium text-muted">
            {t.groups.admin}
          </span>
        )}
        {user.unproved && (
          <span
            className="rounded-sm border border-bad px-1 text-xs font-medium text-bad"
            title={t.groups.unprovedWhy(nameOf(user.added_by))}
          >
            {t.groups.unproved}
          </span>
        )}
        {grant !== null && (
          <Button
            small
            look="quiet"
            className={cx("ml-auto", grant.verified ? "text-ok" : "text-bad")}
            aria-label={t.groups.grantShow(
              grant.verified ? t.groups.grantVerified : t.groups.grantFaulty,
              nameOf(user.user),
            )}
            title={grant.verdict}
            icon={<Shield className="size-3.5" aria-hidden="true" />}
            onClick={() => onGrant(grant)}
          >
            {t.groups.grant}: {grant.verified ? t.groups.grantVerified : t.groups.grantFaulty}
          </Button>
        )}
      </div>
      <p className="text-sm text-muted">
        <Origin user={user} />
      </p>
      <ul className="text-sm text-muted">
        {user.clients.map((client) => (
          <li key={client.leaf} title={client.client}>
            <span className="text-ink">{clientName(client.client)}</span> · {t.groups.leaf(client.leaf)} ·{" "}
            {t.groups.sinceEpoch(client.since_epoch)}
          </li>
        ))}
      </ul>
    </li>
  );
}
