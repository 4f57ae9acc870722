/** What an account does in a conversation. */
import { useMemo } from "react";
import type { ChangePolicy } from "@/bindings/ChangePolicy";
import type { Message } from "@/bindings/Message";
import { sentence, useAdmin } from "@/domain/node/admin";
import { Store } from "@/shared/store";
import { toast } from "@/shared/toast";
import { t } from "@/text";

/** Messages that are out of sight and are deleted for everyone once that can no longer be undone here. */
export const deleting = new Store<ReadonlySet<string>>(new Set());
export const deletingKey = (user: string, group: string, message: string) => `${user} ${group} ${message}`;

export function useConversationActions(user: string, group: string) {
  const admin = useAdmin();
  return useMemo(() => {
    const settle = () => admin.refresh(["conversation", { user, group }], ["conversations", { user }]);
    /** Says why not; resolves with whether it was done. */
    const run = async (act: () => Promise<unknown>, said?: string): Promise<boolean> => {
      try {
        await act();
        if (said !== undefined) toast(said);
        return true;
      } catch (fault) {
        toast(sentence(fault), { tone: "bad" });
        return false;
      } finally {
        void settle();
      }
    };
    const at = { user, group };
    return {
      send: (text: string, reply_to: string | null) =>
        run(() => admin.call("send-message", { ...at, text, ...(reply_to === null ? {} : { reply_to }) })),
      edit: (message: string, text: string) =>
        run(() => admin.call("edit-message", { ...at, message, text })),
      react: (message: string, emoji: string, on: boolean) =>
        run(() => admin.call("react", { ...at, message, emoji, on })),
      retry: (message: string) => run(() => admin.call("retry-message", { ...at, message })),
      /** Nothing takes a deletion back once it is sent, so it is sent when it can no longer be undone. */
      remove({ id }: Pick<Message, "id">) {
        const key = deletingKey(user, group, id);
        const show = () => deleting.update((before) => new Set([...before].filter((each) => each !== key)));
        deleting.update((before) => new Set([...before, key]));
        toast(t.conversations.undoDelete, {
          undo: show,
          settle: () => void run(() => admin.call("delete-message", { ...at, message: id })).then(show),
        });
      },
      /** Quietly: what is read is not worth a message. */
      markRead: (place: number) =>
        admin.call("mark-read", { ...at, place }).then(
          () => admin.refresh(["conversations", { user }]),
          () => undefined,
        ),
      takeBackAddition: (id: string) =>
        run(() => admin.call("decide-authorization", { id, decision: "revoke" }), t.approvals.undone),
      ask: async (other: string): Promise<string | null> => {
        try {
          await admin.call("ask-to-add", { ...at, other });
          return null;
        } catch (fault) {
          return sentence(fault);
        } finally {
          void settle();
        }
      },
      change: (change: Omit<ChangePolicy, "user" | "group">) =>
        run(() => admin.call("change-policy", { ...at, ...change }), t.conversations.policySaved),
    };
  }, [admin, user, group]);
}
