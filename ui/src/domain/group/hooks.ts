import { useMemo } from "react";
import type { GroupSummary } from "@/bindings/GroupSummary";
import type { Peer } from "@/bindings/Peer";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import { nameOf } from "@/domain/node/identifiers";
import { usePeers } from "@/domain/peer/hooks";
import { toast } from "@/shared/toast";
import { t } from "@/text";

export function useGroups() {
  return useRead("groups", {});
}

/** The providers that keep groups, as peers. */
export type OwnerOf = (group: Pick<GroupSummary, "owner" | "ours">) => Peer | undefined;

export function useOwners(): OwnerOf {
  const peers = usePeers().data?.peers;
  return useMemo(() => {
    const known = new Map(peers?.map((peer) => [peer.provider, peer]));
    return ({ owner, ours }) => (ours ? undefined : known.get(owner));
  }, [peers]);
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
