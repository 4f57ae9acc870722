import { Link } from "@tanstack/react-router";
import { Eraser, LogOut, MessagesSquare } from "lucide-react";
import { useState } from "react";
import type { GroupAccount } from "@/bindings/GroupAccount";
import type { GroupDetail } from "@/bindings/GroupDetail";
import { ForgetDialog } from "@/domain/forget/ForgetDialog";
import { useGroupActions } from "@/domain/group/hooks";
import { groupTitle } from "@/domain/group/words";
import { useNode } from "@/domain/node/hooks";
import { nameOf, providerOf } from "@/domain/node/identifiers";
import { Button } from "@/shared/Button";
import { Confirm } from "@/shared/Dialog";
import { t } from "@/text";

/** What can be done from here: only people change a group, so in the name of the accounts used on this computer. */
export function GroupActions({ detail, onForgotten }: { detail: GroupDetail; onForgotten: () => void }) {
  const { ours, standing, providers } = detail.summary;
  return (
    <>
      {standing !== "over" && <Acting detail={detail} />}
      {(!ours || providers < 2) && <Forgetting detail={detail} onForgotten={onForgotten} />}
    </>
  );
}

/** What is kept of a group can go, once nobody needs it here: of one that is kept here, nobody at all. */
function Forgetting({ detail, onForgotten }: { detail: GroupDetail; onForgotten: () => void }) {
  const [asking, setAsking] = useState(false);
  const name = groupTitle(detail.summary);
  return (
    <>
      <Button
        look="wary"
        className="mt-2"
        title={t.forget.group.hint}
        icon={<Eraser className="size-3.5" aria-hidden="true" />}
        onClick={() => setAsking(true)}
      >
        {t.forget.group.button}
      </Button>
      <ForgetDialog
        of={asking ? { kind: "group", group: detail.summary.group } : null}
        title={t.forget.group.title(name)}
        action={t.forget.group.action}
        said={t.forget.group.done(name)}
        onClose={() => setAsking(false)}
        onDone={onForgotten}
      />
    </>
  );
}

function Acting({ detail }: { detail: GroupDetail }) {
  const us = useNode()?.provider ?? "";
  const actions = useGroupActions();
  const [leaving, setLeaving] = useState<GroupAccount | null>(null);
  const { summary, accounts } = detail;
  const name = groupTitle(summary);
  const here = accounts.filter((account) => account.built_in);
  const elsewhere = accounts.filter((account) => !account.built_in);
  const who = leaving?.user ?? "";
  const ours = detail.roster.find((each) => each.provider === us)?.users ?? [];
  const admins = detail.policy?.admins ?? [];
  const isLast = ours.length === 1;
  const isOnlyAdmin =
    summary.users > 1 &&
    admins.length === 1 &&
    admins.some((uri) => providerOf(uri) === us && nameOf(uri) === who);
  return (
    <>
      <div className="mt-2 flex flex-wrap gap-1.5">
        {here.map((account) => (
          <Button
            key={account.user}
            look="wary"
            icon={<LogOut className="size-3.5" aria-hidden="true" />}
            onClick={() => setLeaving(account)}
          >
            {t.groups.leaveAs(account.user)}
          </Button>
        ))}
        {here[0] !== undefined && (
          <Link
            to="/conversations"
            search={{ user: here[0].user, open: summary.group }}
            className="inline-flex h-7 items-center gap-1.5 rounded-md px-2 text-accent underline underline-offset-2"
          >
            <MessagesSquare className="size-3.5" aria-hidden="true" />
            {t.groups.openConversation}
          </Link>
        )}
      </div>
      {here.length === 0 ? (
        <p className="mt-2 text-sm text-muted">{t.groups.actingNone}</p>
      ) : (
        elsewhere.length > 0 && (
          <p className="mt-2 text-sm text-muted">
            {t.groups.actingOthers(elsewhere.map((account) => account.user).join(", "))}
          </p>
        )
      )}
      <Confirm
        danger
        open={leaving !== null}
        onClose={() => setLeaving(null)}
        title={t.groups.leaveTitle(who, name)}
        text={t.groups.leaveText(who)}
        action={t.groups.leaveButton}
        run={() => actions.leave(who, summary.group, name)}
      >
        {isLast && <p className="mb-2">{t.groups.leaveLast(who, us)}</p>}
        {isOnlyAdmin && <p className="mb-2 font-medium text-warn">{t.groups.leaveOnlyAdmin}</p>}
      </Confirm>
    </>
  );
}
