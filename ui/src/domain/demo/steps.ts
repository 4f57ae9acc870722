/** What a newcomer to the demo can do, and what of it has been done. */
import { useEffect } from "react";
import { useUsers } from "@/domain/account/hooks";
import { useApprovals } from "@/domain/connection/approvals";
import { useConversations } from "@/domain/conversation/hooks";
import { useGroups } from "@/domain/group/hooks";
import { demoStopped } from "@/shared/preference";
import { useStore } from "@/shared/store";
import { useDemo } from "./hooks";

export const STEPS = ["approve", "use", "group", "add", "write", "stop"] as const;
export type Step = (typeof STEPS)[number];

/** Which steps are done, as the node shows it; null where this is no demo, or it has not all been read. */
export function useDemoSteps(): Record<Step, boolean> | null {
  const demo = useDemo();
  const approvals = useApprovals().data;
  const users = useUsers().data?.users;
  const groups = useGroups().data?.groups ?? [];
  const used = users?.find((user) => user.built_in);
  const said = useConversations(used?.name ?? "").data?.conversations ?? [];
  const wasStopped = useStore(demoStopped);
  const isStopped = demo?.nodes.some((node) => !node.running) ?? false;
  useEffect(() => {
    if (isStopped) demoStopped.set(true);
  }, [isStopped]);
  if (demo === null || approvals === undefined || users === undefined) return null;
  return {
    approve: approvals.decided.some(
      (each) =>
        each.kind === "connection" &&
        each.connection.state === "approved" &&
        each.connection.decided_by === "operator",
    ),
    use: used !== undefined,
    group: groups.length > 0,
    add: groups.some((group) => group.users > 1),
    write: said.some((each) => each.last?.own === true),
    stop: wasStopped,
  };
}
