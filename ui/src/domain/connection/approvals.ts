/** What waits for the operator, and what was decided. */
import { useMemo } from "react";
import type { Approvals } from "@/bindings/Approvals";
import type { Authorization } from "@/bindings/Authorization";
import type { Connection } from "@/bindings/Connection";
import { useRead } from "@/domain/node/admin";
import { Store, useStore } from "@/shared/store";

/**
 * What has been decided on this screen and is on its way to the node. It is out of sight at once; if the node
 * refuses, it is taken out of here and stands where it stood. What was read meanwhile cannot bring it back.
 */
export const deciding = new Store<ReadonlySet<string>>(new Set());

export const providerKey = (provider: string) => `provider ${provider}`;
/** Ids are scoped to the provider that made the request, which is its author's. */
export const connectionKey = (connection: Pick<Connection, "id" | "from">) =>
  `connection ${connection.from} ${connection.id}`;

export const additionKey = (addition: Pick<Authorization, "id" | "from_provider">) =>
  `addition ${addition.from_provider} ${addition.id}`;

export function useApprovals() {
  const read = useRead("approvals", {});
  const hidden = useStore(deciding);
  const shown = useMemo(
    () => (read.data === undefined ? undefined : visible(read.data, hidden)),
    [read.data, hidden],
  );
  return { ...read, data: shown };
}

export interface ShownApprovals {
  providers: Approvals["providers"];
  incoming: Connection[];
  outgoing: Connection[];
  additions: Authorization[];
  outgoingAdditions: Authorization[];
  decided: Approvals["decided"];
}

/** How many things wait for the operator. */
export function countWaiting(shown: ShownApprovals | undefined): number {
  if (shown === undefined) return 0;
  return shown.providers.length + shown.incoming.length + shown.additions.length;
}

function visible(all: Approvals, hidden: ReadonlySet<string>): ShownApprovals {
  return {
    providers: all.providers.filter((each) => !hidden.has(providerKey(each.provider))),
    incoming: all.incoming.filter((each) => !hidden.has(connectionKey(each))),
    outgoing: all.outgoing.filter((each) => !hidden.has(connectionKey(each))),
    additions: all.additions.filter((each) => !hidden.has(additionKey(each))),
    outgoingAdditions: all.outgoing_additions.filter((each) => !hidden.has(additionKey(each))),
    decided: all.decided,
  };
}
