import { useNavigate } from "@tanstack/react-router";
import { useCallback } from "react";
import type { Traffic } from "@/bindings/Traffic";
import { useCalled } from "@/domain/demo/Alias";
import { usePeerActions, usePeers } from "@/domain/peer/hooks";
import { copyText } from "@/shared/hooks";
import type { MenuItem } from "@/shared/Menu";
import { toast } from "@/shared/toast";
import { t } from "@/text";

/** What can be done about a request and whom it is with. `onlyPeer`: shows nothing but what is with that peer. */
export function useRequestActions(onlyPeer: (peer: string) => void): (record: Traffic) => MenuItem[] {
  const navigate = useNavigate();
  const { block } = usePeerActions();
  const called = useCalled();
  const peers = usePeers().data?.peers;
  return useCallback(
    (record) => {
      const { peer } = record;
      const copy: MenuItem = {
        id: "traffic-copy",
        text: t.traffic.act.copy,
        run: () => void copyText(JSON.stringify(record, null, 2)).then(() => toast(t.traffic.act.copied)),
      };
      if (peer === null) return [copy];
      const known = peers?.find(({ provider }) => provider === peer);
      // Who only claims to be somebody must not get that one blocked.
      const isClaimed = record.direction === "in" && !record.verified;
      const name = called(peer);
      return [
        {
          id: "traffic-peer",
          text: t.traffic.act.peer(name),
          run: () => void navigate({ to: "/peers", search: { open: peer } }),
        },
        {
          id: "traffic-check",
          text: t.traffic.act.check(name),
          run: () => void navigate({ to: "/doctor", search: { provider: peer } }),
        },
        { id: "traffic-only", text: t.traffic.act.only(name), run: () => onlyPeer(peer) },
        copy,
        ...(known?.state === "blocked"
          ? []
          : [
              {
                id: "traffic-block",
                text: t.traffic.act.block(name),
                hint: isClaimed ? t.traffic.act.claimed : t.approvals.blockProviderHint,
                danger: true,
                disabled: isClaimed,
                run: () => void block(peer),
              },
            ]),
      ];
    },
    [navigate, block, called, peers, onlyPeer],
  );
}
