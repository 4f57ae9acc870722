import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { useEffect } from "react";
import { useUsers } from "@/domain/account/hooks";
import { OpenAccount, WhyNotOpen } from "@/domain/account/OpenAccount";
import { lastAccount, useConversations, useUnreadOf } from "@/domain/conversation/hooks";
import { MeContext } from "@/domain/conversation/me";
import { sentence } from "@/domain/node/admin";
import { useActions } from "@/shared/actions";
import { useAddress, useDialogPlace } from "@/shared/address";
import { Button } from "@/shared/Button";
import { cx } from "@/shared/class";
import { Select } from "@/shared/form";
import { Empty, Fault, Loading, Screen } from "@/shared/layout";
import { useStore } from "@/shared/store";
import { lineText } from "@/shared/text";
import { t } from "@/text";
import { ConversationView } from "./conversations/ConversationView";
import { List } from "./conversations/List";
import { MembersPanel } from "./conversations/MembersPanel";
import { NewGroupDialog } from "./conversations/NewGroupDialog";

/** Does a message really get through? */
export function ConversationsScreen() {
  const users = useUsers();
  const search = useSearch({ strict: false }) as { user?: string; open?: string; at?: number };
  const remembered = useStore(lastAccount);
  const unread = useUnreadOf();
  const navigate = useNavigate();
  const [making, setMaking] = useDialogPlace("new");
  const [place, setPlace] = useAddress("members");
  const members = place.members !== "";
  const setMembers = (shown: boolean) => setPlace({ members: shown ? "shown" : "" });
  const all = users.data?.users;
  const here = all?.filter((user) => user.here.state !== "unused") ?? [];
  const wanted = search.user ?? remembered;
  const asked = all?.find((user) => user.name === search.user);
  const account = here.find((user) => user.name === wanted) ?? here[0];
  const name = account?.name ?? "";
  const open = search.open ?? null;
  const read = useConversations(account?.here.state === "open" ? name : "");
  const list = read.data?.conversations ?? [];
  useEffect(() => {
    if (name !== "") lastAccount.set(name);
  }, [name]);

  const go = (next: { user?: string; open?: string; at?: number; members?: string }) =>
    void navigate({
      to: "/conversations",
      search: { user: name, ...(members && { members: "shown" }), ...next },
      replace: true,
    });
  const step = (by: number) => {
    const at = list.findIndex((each) => each.group === open);
    const next = list[at === -1 ? 0 : Math.min(Math.max(at + by, 0), list.length - 1)];
    if (next !== undefined) go({ open: next.group });
  };
  useActions(
    account?.here.state !== "open"
      ? []
      : [
          {
            id: "conversations.new",
            title: t.conversations.new,
            group: t.palette.groups.act,
            keys: ["n"],
            keyOnly: true,
            run: () => setMaking(true),
          },
          {
            id: "conversations.down",
            title: t.shortcuts.down,
            group: t.conversations.title,
            keys: ["j"],
            keyOnly: true,
            run: () => step(1),
          },
          {
            id: "conversations.up",
            title: t.shortcuts.up,
            group: t.conversations.title,
            keys: ["k"],
            keyOnly: true,
            run: () => step(-1),
          },
        ],
  );

  if (search.user !== undefined && all !== undefined && (asked === undefined || !here.includes(asked))) {
    return <NotHere user={search.user} isKnown={asked !== undefined} />;
  }
  if (account === undefined) {
    return (
      <Screen title={t.conversations.title}>
        {users.error !== null && all === undefined ? (
          <Fault onRetry={() => void users.refetch()}>{sentence(users.error)}</Fault>
        ) : all === undefined ? (
          <Loading />
        ) : (
          <div className="rounded-lg border border-line bg-surface">
            <Empty
              action={
                all.length === 0 ? (
                  <Link to="/accounts" className="text-accent underline underline-offset-2">
                    {t.accounts.create}
                  </Link>
                ) : (
                  <div className="flex flex-wrap justify-center gap-2">
                    {all.map((user) => (
                      <OpenAccount key={user.name} user={user.name} look="primary" />
                    ))}
                  </div>
                )
              }
            >
              <span className="font-medium text-ink">
                {all.length === 0 ? t.conversations.noAccount : t.conversations.notOpen}
              </span>{" "}
              {all.length > 0 && t.conversations.notOpenHint}
            </Empty>
          </div>
        )}
      </Screen>
    );
  }
  const chooser = (
    <Select
      hideLabel
      label={t.conversations.account}
      value={name}
      onChange={(event) => go({ user: event.target.value })}
    >
      {here.map((user) => (
        <option key={user.name} value={user.name}>
          {t.conversations.accountUnread(user.name, unread.get(user.name) ?? 0)}
        </option>
      ))}
    </Select>
  );
  if (account.here.state !== "open") {
    return (
      <Screen title={t.conversations.title} actions={chooser}>
        <WhyNotOpen user={account} />
      </Screen>
    );
  }
  return (
    <MeContext value={account.uri}>
      <Screen
        fill
        title={t.conversations.title}
        actions={
          <>
            {chooser}
            <Button
              data-testid="new-group"
              icon={<Plus className="size-3.5" aria-hidden="true" />}
              onClick={() => setMaking(true)}
            >
              {t.conversations.new}
            </Button>
          </>
        }
        aside={
          open !== null &&
          members && (
            <MembersPanel
              key={`${name} ${open}`}
              user={name}
              group={open}
              contacts={read.data?.contacts ?? []}
              onClose={() => setMembers(false)}
            />
          )
        }
      >
        <div className="flex min-h-0 flex-1">
          <div
            className={cx(
              "flex w-72 shrink-0 flex-col border-r border-line max-[62rem]:w-56 max-sm:w-full max-sm:border-r-0",
              open !== null && "max-sm:hidden",
            )}
          >
            <List
              user={name}
              read={read}
              open={open}
              onOpen={(group, at) => go({ open: group, ...(at === undefined ? {} : { at }) })}
            />
          </div>
          <div className={cx("flex min-w-0 flex-1 flex-col", open === null && "max-sm:hidden")}>
            {open === null ? (
              <div className="grid flex-1 place-items-center">
                <Empty>{list.length === 0 ? t.conversations.emptyHint : t.conversations.none}</Empty>
              </div>
            ) : (
              <ConversationView
                key={`${name} ${open}`}
                user={name}
                group={open}
                at={search.at ?? null}
                onAt={(at) => go({ open, ...(at === null ? {} : { at }) })}
                onBack={() => go({})}
                members={members}
                onMembers={setMembers}
              />
            )}
          </div>
        </div>
        <NewGroupDialog
          user={name}
          open={making}
          onClose={() => setMaking(false)}
          onMade={(group) => go({ open: group, members: "shown" })}
        />
      </Screen>
    </MeContext>
  );
}

/** The address names an account that is not here, or is not used on this computer. */
function NotHere({ user, isKnown }: { user: string; isKnown: boolean }) {
  return (
    <Screen title={t.conversations.title}>
      <div className="rounded-lg border border-line bg-surface">
        <Empty
          action={
            isKnown ? (
              <OpenAccount user={user} look="primary" />
            ) : (
              <Link to="/conversations" search={{}} className="text-accent underline underline-offset-2">
                {t.conversations.otherAccounts}
              </Link>
            )
          }
        >
          <span className="font-medium text-ink wrap-anywhere">
            {isKnown ? t.conversations.notOpenFor(user) : t.conversations.unknownAccount(lineText(user, 64))}
          </span>
        </Empty>
      </div>
    </Screen>
  );
}
