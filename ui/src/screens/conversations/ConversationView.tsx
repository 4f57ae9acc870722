import { useNavigate } from "@tanstack/react-router";
import { ArrowLeft, Eraser, UsersRound } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import type { ConversationSummary } from "@/bindings/ConversationSummary";
import type { Message } from "@/bindings/Message";
import type { Peer } from "@/bindings/Peer";
import { deleting, deletingKey, useConversationActions } from "@/domain/conversation/actions";
import { type Stretch, useConversation } from "@/domain/conversation/hooks";
import { conversationTitle, standingMarks } from "@/domain/conversation/words";
import { ForgetDialog } from "@/domain/forget/ForgetDialog";
import { useGroups } from "@/domain/group/hooks";
import { sentence } from "@/domain/node/admin";
import { groupOf } from "@/domain/node/identifiers";
import { usePeers } from "@/domain/peer/hooks";
import { OwnerStandingNote } from "@/domain/peer/PeerState";
import { whyNotReached } from "@/domain/peer/words";
import { Button, IconButton } from "@/shared/Button";
import { Fault, Loading } from "@/shared/layout";
import { StateWord } from "@/shared/Mark";
import { useStore } from "@/shared/store";
import { lineText } from "@/shared/text";
import { t } from "@/text";
import { Composer, type Composing } from "./Composer";
import { Thread } from "./Thread";

const PAGE = 100;
const MOST = 5_000;
/** Messages shown behind one that was searched for. */
const AROUND = 40;

/** A conversation: what was said in it, and a place to say more. */
export function ConversationView({
  user,
  group,
  at,
  onAt,
  onBack,
  members,
  onMembers,
}: {
  user: string;
  group: string;
  /** The place that was searched for; null for the latest. */
  at: number | null;
  onAt: (at: number | null) => void;
  onBack: () => void;
  members: boolean;
  onMembers: (shown: boolean) => void;
}) {
  const [stretch, setStretch] = useState<Stretch>({ limit: PAGE });
  useEffect(() => {
    setStretch(at === null ? { limit: PAGE } : { before: at + AROUND, limit: PAGE });
  }, [at]);
  const read = useConversation(user, group, stretch);
  const owner = useOwner(group);
  const talk = useConversationActions(user, group);
  const [composing, setComposing] = useState<Composing>({ kind: "new" });
  const hidden = useStore(deleting);
  // An earlier stretch that cannot be read takes nothing away from what is shown.
  const kept = useRef(read.data);
  kept.current = read.data ?? kept.current;
  const data = kept.current;
  const messages = useMemo(
    () => data?.messages.filter((each) => !hidden.has(deletingKey(user, group, each.id))) ?? [],
    [data, hidden, user, group],
  );
  const navigate = useNavigate();
  // Where reading had stopped when it was opened: the line above what is new stays while one reads.
  const [readBefore, setReadBefore] = useState<number | null>(null);
  useEffect(() => {
    if (data !== undefined) setReadBefore((before) => before ?? data.read);
  }, [data]);

  if (data === undefined) {
    return read.error === null ? (
      <Loading />
    ) : (
      <div className="p-4">
        <Fault onRetry={() => void read.refetch()}>{sentence(read.error)}</Fault>
      </div>
    );
  }
  const { summary } = data;
  const last = data.messages.at(-1)?.place ?? 0;
  // A stretch that ends before the latest message goes on below.
  const detached = stretch.before !== undefined && stretch.before <= last + 1;
  return (
    <>
      <Header summary={summary} onBack={onBack} members={members} onMembers={onMembers} />
      <Thread
        messages={messages}
        more={data.more}
        target={at}
        readBefore={readBefore ?? data.read}
        loading={read.isPlaceholderData}
        fault={read.error !== null && read.data === undefined ? sentence(read.error) : null}
        detached={detached}
        live={summary.standing === "live"}
        stuck={owner.stuck}
        onEarlier={() => setStretch(earlierStretch(stretch, data.messages))}
        onLater={() => setStretch(laterStretch(stretch))}
        onAgain={() => void read.refetch()}
        onLatest={() => {
          setStretch({ limit: PAGE });
          onAt(null);
        }}
        onRead={(place) => {
          if (place > data.read) void talk.markRead(place);
        }}
        onJump={(place) => onAt(place)}
        onReply={(message) => setComposing({ kind: "reply", message })}
        onEdit={(message) => setComposing({ kind: "edit", message })}
        onDelete={(message) => talk.remove(message)}
        onReact={(message, emoji, on) => void talk.react(message.id, emoji, on)}
        onRetry={(message) => void talk.retry(message.id)}
        onTrace={({ sender, time }) =>
          void navigate({ to: "/doctor/trace", search: { group: summary.group, sender, time } })
        }
      />
      {summary.standing === "live" && owner.dispute !== null && (
        <p className="border-t border-line px-4 py-2 text-sm" role="status" data-testid="dispute">
          {t.conversations.disputeText}
          {owner.dispute !== "" && <span className="block text-bad">{lineText(owner.dispute, 1_000)}</span>}
        </p>
      )}
      {summary.standing === "live" &&
        owner.dispute === null &&
        owner.stuck !== null &&
        owner.peer !== undefined && (
          <div className="border-t border-line px-4 py-2">
            <OwnerStandingNote peer={owner.peer} />
          </div>
        )}
      {summary.standing !== "live" ? (
        <div className="border-t border-line px-4 py-3 text-center">
          <p className="text-muted" role="status">
            {t.conversations.standingText[summary.standing]}
            {summary.fault !== null && (
              <span className="block text-sm text-bad">{lineText(summary.fault, 1_000)}</span>
            )}
          </p>
          {(summary.standing === "left" || summary.standing === "removed") && (
            <Forgetting user={user} summary={summary} onForgotten={onBack} />
          )}
        </div>
      ) : summary.can_send ? (
        <Composer
          user={user}
          group={group}
          name={conversationTitle(summary)}
          composing={composing}
          onComposing={setComposing}
          lastOwn={lastOwn(messages)}
          onSend={(text, reply) => talk.send(text, reply)}
          onSave={(message, text) => talk.edit(message, text)}
        />
      ) : (
        <p className="border-t border-line px-4 py-3 text-center text-muted">{t.conversations.onlyAdmins}</p>
      )}
    </>
  );
}

/** A conversation that is over can go, with all that was said in it. */
function Forgetting({
  user,
  summary,
  onForgotten,
}: {
  user: string;
  summary: ConversationSummary;
  onForgotten: () => void;
}) {
  const [asking, setAsking] = useState(false);
  const name = conversationTitle(summary);
  return (
    <>
      <Button
        look="wary"
        className="mt-2"
        icon={<Eraser className="size-3.5" aria-hidden="true" />}
        onClick={() => setAsking(true)}
      >
        {t.forget.conversation.button}
      </Button>
      <ForgetDialog
        of={asking ? { kind: "conversation", user, group: summary.group } : null}
        title={t.forget.conversation.title(name)}
        action={t.forget.conversation.action}
        said={t.forget.conversation.done(name)}
        onClose={() => setAsking(false)}
        onDone={onForgotten}
      />
    </>
  );
}

/** The provider that keeps a group, and why nothing gets there or comes from there; nulls where it goes well. */
function useOwner(group: string): { peer: Peer | undefined; stuck: string | null; dispute: string | null } {
  const peers = usePeers().data?.peers;
  const kept = useGroups().data?.groups.find((each) => each.group === group);
  const isAway = kept !== undefined && kept.owner_away_since !== null;
  const dispute = kept?.standing === "broken" ? (kept.fault ?? "") : null;
  const peer = peers?.find((each) => each.provider === groupOf(group)?.provider);
  const why = whyNotReached(peer, t.conversations.ownerReason);
  const reason = kept?.owner_let_go
    ? t.conversations.ownerLetGo
    : (why ?? (isAway ? t.conversations.ownerAway : null));
  return { peer, stuck: dispute === null ? reason : t.conversations.inDispute, dispute };
}

/** Twice as much, so that a long conversation is read in few steps; from the most on, what is latest goes. */
function earlierStretch({ before, limit }: Stretch, messages: readonly Message[]): Stretch {
  if (limit < MOST) return { ...(before !== undefined && { before }), limit: Math.min(limit * 2, MOST) };
  const last = messages.at(-PAGE);
  return { before: last?.place ?? before ?? 0, limit };
}

function laterStretch({ before = 0, limit }: Stretch): Stretch {
  return { before: before + PAGE, limit: Math.min(limit + PAGE, MOST) };
}

/** What the arrow up in an empty field edits. */
function lastOwn(messages: readonly Message[]): Message | undefined {
  return messages.findLast((each) => each.own && !each.deleted && each.notice === null && each.text !== "");
}

function Header({
  summary,
  onBack,
  members,
  onMembers,
}: {
  summary: ConversationSummary;
  onBack: () => void;
  members: boolean;
  onMembers: (shown: boolean) => void;
}) {
  return (
    <div className="flex min-h-11 items-center gap-2 border-b border-line bg-surface px-4 py-1 max-sm:px-2">
      <IconButton label={t.conversations.back} className="sm:hidden" onClick={onBack}>
        <ArrowLeft className="size-4" />
      </IconButton>
      <h2
        className="min-w-0 truncate font-semibold"
        title={`${conversationTitle(summary)}\n${summary.group}`}
      >
        <bdi>{conversationTitle(summary)}</bdi>
      </h2>
      <span className="mr-auto text-sm whitespace-nowrap text-muted">
        {t.conversations.people(summary.users)}
      </span>
      {summary.standing !== "live" && (
        <StateWord {...standingMarks[summary.standing]} className="text-sm">
          {t.conversations.standing[summary.standing]}
        </StateWord>
      )}
      <IconButton
        label={members ? t.conversations.membersHide : t.conversations.membersShow}
        aria-expanded={members}
        data-testid="members"
        onClick={() => onMembers(!members)}
      >
        <UsersRound className="size-4" />
      </IconButton>
    </div>
  );
}
