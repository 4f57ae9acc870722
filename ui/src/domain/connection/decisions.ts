/** The operator's decisions: what is told to the node, what is said, and whether it can be taken back. */
import { useMemo } from "react";
import type { Connection } from "@/bindings/Connection";
import type { ConnectionDecision } from "@/bindings/ConnectionDecision";
import type { SetPeer } from "@/bindings/SetPeer";
import type { StandingRule } from "@/bindings/StandingRule";
import type { Whom } from "@/bindings/Whom";
import { called } from "@/domain/demo/Alias";
import { type Admin, sentence, useAdmin } from "@/domain/node/admin";
import { nameOf, providerOf } from "@/domain/node/identifiers";
import { toast } from "@/shared/toast";
import { t } from "@/text";
import { connectionKey, deciding, providerKey } from "./approvals";

export type Call = Admin["call"];

export interface Decision {
  /** What goes out of sight. */
  keys: readonly string[];
  /** What is said when it is done. */
  said: string;
  /** The word for many of them. */
  kind: "approve" | "decline" | "ignore" | "block" | "other";
  /** Resolves with what takes it back, where the node can put everything back as it was. */
  run: (call: Call) => Promise<Undo>;
}

/** Names a decision to the node's `undo`; null where nothing takes it back. */
export type Undo = string | null;

/** Decides, and in the same step whatever else is told. */
const decide =
  (
    connection: Connection,
    decision: ConnectionDecision,
    also: { standing?: StandingRule | undefined; admit?: boolean } = {},
  ) =>
  async (call: Call) => {
    const { undo } = await call("decide-connection", {
      id: connection.id,
      decision,
      from_provider: providerOf(connection.from),
      ...(also.standing && { standing: also.standing }),
      ...(also.admit && { admit: true }),
    });
    return undo;
  };
const judge = (provider: string, state: SetPeer["state"]) => async (call: Call) => {
  const { undo } = await call("set-peer", { provider, state });
  return undo;
};

const said = t.approvals.done;

/** A request from elsewhere, by names that are short and still plain. */
const from = (c: Connection) => nameOf(c.from);
const to = (c: Connection) => nameOf(c.to);

export const decisions = {
  /** With `always`, also all later requests of that person or provider. */
  approve(c: Connection, always?: Whom): Decision {
    const provider = providerOf(c.from);
    const isStranger = c.peer_state === "pending" || c.peer_state === "unknown";
    const words = {
      person: said.alwaysPerson(from(c)),
      provider: said.alwaysProvider(called(provider)),
      once: isStranger
        ? said.approvedBoth(from(c), to(c), called(provider))
        : said.approvedConnection(from(c), to(c)),
    };
    return {
      keys: isStranger ? [providerKey(provider), connectionKey(c)] : [connectionKey(c)],
      said: words[always ?? "once"],
      kind: "approve",
      run: decide(c, "approve", {
        standing: always && { whom: always, rule: "allow" },
        admit: isStranger,
      }),
    };
  },
  decline: (c: Connection): Decision => ({
    keys: [connectionKey(c)],
    said: said.declined(from(c)),
    kind: "decline",
    run: decide(c, "decline"),
  }),
  ignore: (c: Connection): Decision => ({
    keys: [connectionKey(c)],
    said: said.ignored(from(c)),
    kind: "ignore",
    run: decide(c, "ignore"),
  }),
  blockPerson: (c: Connection): Decision => ({
    keys: [connectionKey(c)],
    said: said.blockedPerson(from(c)),
    kind: "block",
    run: decide(c, "decline", { standing: { whom: "person", rule: "block" } }),
  }),
  end: (c: Connection): Decision => ({
    keys: [connectionKey(c)],
    said: c.outgoing && c.state === "pending" ? said.takenBack(to(c)) : said.ended(from(c), to(c)),
    kind: "other",
    run: decide(c, "end"),
  }),
  reopen: (c: Connection): Decision => ({
    keys: [],
    said: said.reopened(from(c)),
    kind: "other",
    run: decide(c, "reopen"),
  }),

  admit: (provider: string): Decision => ({
    keys: [providerKey(provider)],
    said: said.approvedProvider(called(provider)),
    kind: "approve",
    run: judge(provider, "allowed"),
  }),
  ignoreProvider: (provider: string): Decision => ({
    keys: [providerKey(provider)],
    said: said.ignored(called(provider)),
    kind: "ignore",
    run: async (call) => {
      const { undo } = await call("ignore-peer", { provider });
      return undo;
    },
  }),
  /** `held`: its people's requests that go out of sight with it. */
  blockProvider: (provider: string, held: readonly Connection[] = []): Decision => ({
    keys: [providerKey(provider), ...held.map(connectionKey)],
    said: said.blockedProvider(called(provider)),
    kind: "block",
    run: judge(provider, "blocked"),
  }),
  reopenProvider: (provider: string): Decision => ({
    keys: [],
    said: said.reopened(called(provider)),
    kind: "other",
    run: judge(provider, "pending"),
  }),
};

/** Carries out decisions: out of sight at once, undo for ten seconds, back in place with the reason if refused. */
export function useDecide(): (list: readonly Decision[]) => Promise<void> {
  const admin = useAdmin();
  return useMemo(() => {
    const settle = () => admin.refresh("approvals", "connections", "status", "peers", "peer", "rules");
    const undo = async (list: readonly string[]) => {
      const results = await Promise.allSettled(list.map((undo) => admin.call("undo", { undo })));
      const refused = results.find((result) => result.status === "rejected");
      toast(
        refused === undefined ? t.approvals.undone : sentence(refused.reason),
        refused ? { tone: "bad" } : {},
      );
      await settle();
    };
    return async (list) => {
      if (list.length === 0) return;
      const keys = list.flatMap((decision) => decision.keys);
      deciding.update((before) => new Set([...before, ...keys]));
      const results = await Promise.allSettled(list.map((decision) => decision.run(admin.call)));
      const done = list.filter((_, index) => results[index]?.status === "fulfilled");
      const refused = results.find((result) => result.status === "rejected");
      const show = (shown: readonly string[]) =>
        deciding.update((before) => new Set([...before].filter((key) => !shown.includes(key))));

      const failed = list.filter((decision) => !done.includes(decision)).flatMap((decision) => decision.keys);
      show(failed);
      if (refused !== undefined) toast(sentence(refused.reason), { tone: "bad" });
      const [first] = done;
      if (first !== undefined) {
        const takeBack = results.flatMap((result) =>
          result.status === "fulfilled" && result.value !== null ? [result.value] : [],
        );
        toast(
          done.length === 1 || first.kind === "other"
            ? first.said
            : said.many(done.length, said.manyWords[first.kind]),
          takeBack.length > 0
            ? { undo: () => void undo(takeBack) }
            : { final: first.keys.length > 0 ? t.approvals.told : t.approvals.waitsAgain },
        );
      }
      await settle();
      show(keys);
    };
  }, [admin]);
}
