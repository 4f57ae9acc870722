import { useQueries } from "@tanstack/react-query";
import type { ConversationSummary } from "@/bindings/ConversationSummary";
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

/** The conversations of all accounts open here, each with its account. */
export function useConversationsHere(): readonly { user: string; of: ConversationSummary }[] {
  const admin = useAdmin();
  const accounts = useAccountsHere() ?? [];
  return useQueries({
    queries: accounts.map(({ name }) => ({
      queryKey: ["conversations", { user: name }],
      queryFn: () => admin.call("conversations", { user: name }),
    })),
    combine: (results) =>
      results.flatMap(({ data }, index) =>
        (data?.conversations ?? []).map((of) => ({ user: accounts[index]?.name ?? "", of })),
      ),
  });
}

/** Unread messages of each account open here, by its name. */
export function useUnreadOf(): ReadonlyMap<string, number> {
  const conversations = useConversationsHere();
  const counts = new Map<string, number>();
  for (const { user, of } of conversations) counts.set(user, (counts.get(user) ?? 0) + of.unread);
  return counts;
}

/** Unread messages in all conversations of all accounts open here. */
export function useUnread(): number {
  return [...useUnreadOf().values()].reduce((sum, unread) => sum + unread, 0);
}
