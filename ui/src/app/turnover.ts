/** Another node, or another run of it, is there: what was said of the one before goes with it. */
import { useEffect, useRef } from "react";
import type { Status } from "@/bindings/Status";
import { deleting } from "@/domain/conversation/actions";
import { useStatus } from "@/domain/node/hooks";
import { concludeAll, forgetAll } from "@/shared/toast";

/** Which node it is, and since when it runs; null where none runs. */
function runOf({ mode, node }: Status): { node: string; since: string } | null {
  return node === null ? null : { node: `${mode} ${node.provider}`, since: node.started };
}

export function useTurnover(): void {
  const status = useStatus().data;
  const before = useRef<ReturnType<typeof runOf>>(null);
  useEffect(() => {
    if (status === undefined) return;
    const { current } = before;
    const next = runOf(status);
    before.current = next;
    if (current === null || (current.node === next?.node && current.since === next.since)) return;
    if (current.node === next?.node) return concludeAll();
    forgetAll();
    // What was to be deleted there still is as it was.
    deleting.set(new Set());
  }, [status]);
}
