import { useQueries } from "@tanstack/react-query";
import type { User } from "@/bindings/User";
import { useUsers } from "@/domain/account/hooks";
import { useAdmin, useRead } from "@/domain/node/admin";
import { Preference } from "@/shared/preference";

/** The account whose conversations were looked at last. */
export const lastAccount = new Preference<string>("account", "");

/** The accounts whose conversations are open on this computer. */
function useAccountsHere(): readonly User[] | undefined {
  return useUsers().data?.users.filter((user) => user.here.state === "open");
}

export function useConversations(user: string) {
  return useRead("conversations", { user }, { enabled: user !== "" });
}

/** A stretch of messages: the latest, or those that end before a place. */
export interface Stretch {
  before?: number;
  limit: number;
}

export function useConversation(user: string, group: string, stretch: Stretch) {
  return useRead("conversation", { user, group, ...stretch }, { keep: true });
}

/** Unread messages of each account open here, by its name. */
export function useUnreadOf(): ReadonlyMap<string, number> {
  const admin = useAdmin();
  const accounts = useAccountsHere() ?? [];
  const counts = useQueries({
    queries: accounts.map(({ name }) => ({
      queryKey: ["conversations", { user: name }],
      queryFn: () => admin.call("conversations", { user: name }),
    })),
    combine: (results) =>
      results.map(({ data }) => data?.conversations.reduce((sum, { unread }) => sum + unread, 0) ?? 0),
  });
  return new Map(accounts.map(({ name }, index) => [name, counts[index] ?? 0]));
}

/** Unread messages in all conversations of all accounts open here. */
export function useUnread(): number {
  return [...useUnreadOf().values()].reduce((sum, unread) => sum + unread, 0);
}
