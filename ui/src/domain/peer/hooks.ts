import { useMemo } from "react";
import { sentence, useAdmin, useRead } from "@/domain/node/admin";
import type { Command, RequestOf, ResponseOf } from "@/platform";
import { toast } from "@/shared/toast";
import { t } from "@/text";

export function usePeers() {
  return useRead("peers", {});
}

export function usePeer(provider: string) {
  return useRead("peer", { provider });
}

/** What the operator can do to a peer; each says what it did, or why not. */
export function usePeerDeeds() {
  const admin = useAdmin();
  return useMemo(() => {
    const run = async <C extends Command>(
      command: C,
      request: RequestOf<C>,
      said: string,
      undo?: () => void,
    ) => {
      try {
        const answer: ResponseOf<C> = await admin.call(command, request);
        toast(said, undo === undefined ? {} : { undo });
        void admin.refresh("peers", "peer", "approvals", "status");
        return answer;
      } catch (fault) {
        toast(sentence(fault), { tone: "bad" });
        return null;
      }
    };
    const done = t.peers.done;
    const quietly = (state: "allowed" | "blocked" | "pending") => async (provider: string) => {
      await run("set-peer", { provider, state }, t.approvals.undone);
    };
    return {
      retry: (provider: string) => run("retry-peer", { provider }, done.retried(provider)),
      pause: (provider: string, paused: boolean) =>
        run("pause-peer", { provider, paused }, paused ? done.paused(provider) : done.resumed(provider)),
      block: (provider: string, before: "allowed" | "pending") =>
        run(
          "set-peer",
          { provider, state: "blocked" },
          done.blocked(provider),
          () => void quietly(before)(provider),
        ),
      allow: (provider: string) => run("set-peer", { provider, state: "allowed" }, done.allowed(provider)),
      acceptKey: async (provider: string): Promise<string | null> => {
        try {
          await admin.call("accept-key", { provider });
          toast(done.accepted(provider));
          void admin.refresh("peers", "peer", "status");
          return null;
        } catch (fault) {
          return sentence(fault);
        }
      },
    };
  }, [admin]);
}
