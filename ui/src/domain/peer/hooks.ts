import { useMemo } from "react";
import { called } from "@/domain/demo/Alias";
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
export function usePeerActions() {
  const admin = useAdmin();
  return useMemo(() => {
    const run = async <C extends Command>(command: C, request: RequestOf<C>, said: string) => {
      try {
        const answer: ResponseOf<C> = await admin.call(command, request);
        const isDecision = typeof answer === "object" && "undo" in answer;
        const undo = isDecision ? answer.undo : null;
        const final = isDecision ? { final: t.approvals.told } : {};
        toast(said, undo === null ? final : { undo: () => void run("undo", { undo }, t.approvals.undone) });
        void admin.refresh("peers", "peer", "approvals", "status");
        return answer;
      } catch (fault) {
        toast(sentence(fault), { tone: "bad" });
        return null;
      }
    };
    const done = t.peers.done;
    return {
      retry: (provider: string) => run("retry-peer", { provider }, done.retried(called(provider))),
      pause: (provider: string, paused: boolean) =>
        run(
          "pause-peer",
          { provider, paused },
          paused ? done.paused(called(provider)) : done.resumed(called(provider)),
        ),
      block: (provider: string) =>
        run("set-peer", { provider, state: "blocked" }, done.blocked(called(provider))),
      allow: (provider: string) =>
        run("set-peer", { provider, state: "allowed" }, done.allowed(called(provider))),
      acceptKey: async (provider: string, fingerprints: string[]): Promise<string | null> => {
        try {
          await admin.call("accept-key", { provider, fingerprints });
          toast(done.accepted(called(provider)));
          void admin.refresh("peers", "peer", "status");
          return null;
        } catch (fault) {
          return sentence(fault);
        }
      },
    };
  }, [admin]);
}
