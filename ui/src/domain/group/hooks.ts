import { useMemo } from "react";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { nameOf } from "@/domain/node/identifiers";
import { toast } from "@/shared/toast";
import { t } from "@/text";

export function useGroups() {
  return useRead("groups", {});
}

export function useGroup(group: string) {
  return useRead("group", { group });
}

/** What an account of ours can do in a group; each resolves with the sentence that says why not, or with null. */
export function useGroupActions() {
  const admin = useAdmin();
  return useMemo(() => {
    const run = async (act: () => Promise<unknown>, said: string): Promise<string | null> => {
      try {
        await act();
        toast(said);
        void admin.refresh("groups", "group", "conversations", "conversation");
        return null;
      } catch (fault) {
        return sentence(fault);
      }
    };
    return {
      leave: (user: string, group: string, name: string) =>
        run(() => admin.call("leave-group", { user, group }), t.groups.done.left(name)),
      remove: (user: string, group: string, others: string[]) =>
        run(
          () => admin.call("remove-from-group", { user, group, others }),
          t.groups.done.removed(others.map(nameOf)),
        ),
    };
  }, [admin]);
}
