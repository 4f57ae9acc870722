import { Link } from "@tanstack/react-router";
import { EllipsisVertical, LogOut, UserPlus } from "lucide-react";
import { useState } from "react";
import type { Contact } from "@/bindings/Contact";
import type { Conversation } from "@/bindings/Conversation";
import type { Member } from "@/bindings/Member";
import { useConversationActions } from "@/domain/conversation/actions";
import { useConversation } from "@/domain/conversation/hooks";
import { conversationTitle } from "@/domain/conversation/words";
import { useGroupActions } from "@/domain/group/hooks";
import { useNode } from "@/domain/node/hooks";
import { clientName, nameOf, providerOf } from "@/domain/node/identifiers";
import { PersonName } from "@/domain/node/PersonName";
import { usePeers } from "@/domain/peer/hooks";
import { whyNotReached } from "@/domain/peer/words";
import { Button, IconButton } from "@/shared/Button";
import { Confirm } from "@/shared/Dialog";
import { Inspector, InspectorPart, Loading } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { Menu } from "@/shared/Menu";
import { t } from "@/text";
import { AddDialog } from "./AddDialog";
import { PolicyForm } from "./PolicyForm";

/** Who is in a conversation, who is being added, what it is called and who may do what. */
export function MembersPanel({
  user,
  group,
  contacts,
  onClose,
}: {
  user: string;
  group: string;
  contacts: readonly Contact[];
  onClose: () => void;
}) {
  const { data } = useConversation(user, group, { limit: 1 });
  return (
    <Inspector width="narrow" title={t.conversations.members} label={t.app.details} onClose={onClose}>
      {data === undefined ? <Loading /> : <Panel user={user} data={data} contacts={contacts} />}
    </Inspector>
  );
}

function Panel({ user, data, contacts }: { user: string; data: Conversation; contacts: readonly Contact[] }) {
  const { summary, members, additions } = data;
  const { group } = summary;
  const us = useNode()?.provider;
  const peers = usePeers().data?.peers ?? [];
  const talk = useConversationActions(user, group);
  const actions = useGroupActions();
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);
  const [leaving, setLeaving] = useState(false);
  const live = summary.standing === "live";
  const name = conversationTitle(summary);
  // Oneself first: the others by their names, wherever they live.
  const shown = members.toSorted(
    (a, b) => Number(b.you) - Number(a.you) || nameOf(a.user).localeCompare(nameOf(b.user)),
  );
  const admins = members.filter((each) => each.admin).map((each) => each.user);
  const you = members.find((each) => each.you);
  const isOnlyAdmin = you?.admin === true && admins.length === 1 && members.length > 1;
  return (
    <>
      <InspectorPart title={t.conversations.people(members.length)}>
        {live && (
          <Button
            className="mb-2"
            data-testid="add-somebody"
            disabled={!summary.can_add}
            title={summary.can_add ? undefined : t.conversations.addNotAllowed}
            icon={<UserPlus className="size-3.5" aria-hidden="true" />}
            onClick={() => setAdding(true)}
          >
            {t.conversations.add}
          </Button>
        )}
        <ul className="divide-y divide-line">
          {shown.map((member) => (
            <li
              key={member.user}
              className="flex items-start gap-1 py-1"
              data-testid={`member-${member.user}`}
            >
              <div className="mr-auto min-w-0 pr-6">
                <PersonName uri={member.user} us={us} />
                <p className="text-sm text-muted">
                  {[
                    member.you ? t.conversations.you : null,
                    member.admin ? t.conversations.admin : null,
                    member.clients.map(clientName).join(", "),
                  ]
                    .filter(Boolean)
                    .join(" · ")}
                </p>
              </div>
              {live && summary.is_admin && !member.you && (
                <Menu
                  items={[
                    {
                      id: "make-admin",
                      text: t.conversations.makeAdmin(nameOf(member.user)),
                      disabled: member.admin,
                      run: () => void talk.change({ admins: [...admins, member.user] }),
                    },
                    ...(member.admin
                      ? [
                          {
                            id: "no-admin",
                            text: t.conversations.noAdmin(nameOf(member.user)),
                            run: () =>
                              void talk.change({ admins: admins.filter((each) => each !== member.user) }),
                          },
                        ]
                      : []),
                    {
                      id: "remove",
                      text: t.conversations.remove,
                      danger: true,
                      run: () => setRemoving(member),
                    },
                  ]}
                  trigger={
                    <IconButton label={`${t.app.more}: ${nameOf(member.user)}`} className="size-6">
                      <EllipsisVertical className="size-3.5" />
                    </IconButton>
                  }
                />
              )}
            </li>
          ))}
        </ul>
      </InspectorPart>
      {additions.length > 0 && (
        <InspectorPart title={t.conversations.pending}>
          <ul className="divide-y divide-line">
            {additions.map((each) => {
              const waits = each.state === "pending" || each.state === "approved";
              const theirs = peers.find((peer) => peer.provider === providerOf(each.user));
              const why = each.state === "pending" ? whyNotReached(theirs) : null;
              return (
                <li key={each.id} className="py-1" data-testid={`pending-${each.id}`}>
                  <PersonName uri={each.user} us={us} />
                  <div className="flex items-center gap-2">
                    <StateWord
                      tone={waits ? "wait" : "muted"}
                      shape={waits ? "half" : "cross"}
                      className="mr-auto text-sm"
                    >
                      {each.state === "pending" && providerOf(each.user) === us ? (
                        <Link to="/approvals" className="text-accent underline underline-offset-2">
                          {t.conversations.pendingState.here}
                        </Link>
                      ) : (
                        (why ?? t.conversations.pendingState[each.state])
                      )}
                    </StateWord>
                    {waits && (
                      <Button
                        small
                        aria-label={t.conversations.takeBackWhom(nameOf(each.user))}
                        onClick={() => void talk.takeBackAddition(each.id)}
                      >
                        {t.conversations.takeBack}
                      </Button>
                    )}
                  </div>
                  {each.error !== null && <p className="text-sm text-bad wrap-anywhere">{each.error}</p>}
                </li>
              );
            })}
          </ul>
        </InspectorPart>
      )}
      {live && summary.is_admin && (
        <InspectorPart title={t.conversations.policy}>
          <PolicyForm summary={summary} onSave={talk.change} />
        </InspectorPart>
      )}
      <InspectorPart title={t.groups.about}>
        <p className="text-sm text-muted">{t.conversations.encrypted}</p>
        <Link
          to="/groups"
          search={{ open: group }}
          className="mt-1 inline-block text-accent underline underline-offset-2"
        >
          {t.conversations.group}
        </Link>
        {(live || summary.standing === "broken") && (
          <div className="mt-3">
            <Button
              look="wary"
              icon={<LogOut className="size-3.5" aria-hidden="true" />}
              onClick={() => setLeaving(true)}
            >
              {t.conversations.leave}
            </Button>
          </div>
        )}
      </InspectorPart>
      <AddDialog
        open={adding}
        onClose={() => setAdding(false)}
        contacts={contacts}
        members={members}
        additions={additions}
        onAsk={talk.ask}
      />
      <Confirm
        danger
        open={removing !== null}
        onClose={() => setRemoving(null)}
        title={t.conversations.removeTitle(nameOf(removing?.user ?? ""))}
        text={t.conversations.removeText(nameOf(removing?.user ?? ""))}
        action={t.conversations.removeWhom(nameOf(removing?.user ?? ""))}
        run={async () => (removing === null ? null : actions.remove(user, group, [removing.user]))}
      />
      <Confirm
        danger
        open={leaving}
        onClose={() => setLeaving(false)}
        title={t.groups.leaveTitle(user, name)}
        text={t.groups.leaveText(user)}
        action={t.groups.leaveButton}
        run={() => actions.leave(user, group, name)}
      >
        {isOnlyAdmin && <p className="mb-2 font-medium text-warn">{t.groups.leaveOnlyAdmin}</p>}
      </Confirm>
    </>
  );
}
