/** Decisions on additions of our people to groups. */
import type { AddRule } from "@/bindings/AddRule";
import type { Authorization } from "@/bindings/Authorization";
import type { AuthorizationDecision } from "@/bindings/AuthorizationDecision";
import { additionKey } from "@/domain/connection/approvals";
import type { Call, Decision } from "@/domain/connection/decisions";
import { nameOf } from "@/domain/node/identifiers";
import { t } from "@/text";

/** Decides, and in the same step sets what the adder may do from now on where that is told. */
const decide =
  (addition: Authorization, decision: AuthorizationDecision, rule?: AddRule) => async (call: Call) => {
    const { id, from_provider } = addition;
    const { undo } = await call("decide-authorization", {
      id,
      decision,
      from_provider,
      ...(rule && { rule }),
    });
    return undo;
  };

const said = t.approvals.done;
const adder = (a: Authorization) => nameOf(a.adder);
const user = (a: Authorization) => nameOf(a.user);

export const additionDecisions = {
  approve: (a: Authorization): Decision => ({
    keys: [additionKey(a)],
    said: said.approvedAddition(adder(a), user(a)),
    kind: "approve",
    run: decide(a, "approve"),
  }),
  decline: (a: Authorization): Decision => ({
    keys: [additionKey(a)],
    said: said.declined(adder(a)),
    kind: "decline",
    run: decide(a, "decline"),
  }),
  ignore: (a: Authorization): Decision => ({
    keys: [additionKey(a)],
    said: said.asideAddition(adder(a)),
    kind: "ignore",
    run: decide(a, "ignore"),
  }),
  always: (a: Authorization): Decision => ({
    keys: [additionKey(a)],
    said: said.alwaysAdds(adder(a), user(a)),
    kind: "approve",
    run: decide(a, "approve", "allow"),
  }),
  never: (a: Authorization): Decision => ({
    keys: [additionKey(a)],
    said: said.neverAdds(adder(a), user(a)),
    kind: "block",
    run: decide(a, "decline", "never"),
  }),
  revoke: (a: Authorization): Decision => ({
    keys: [additionKey(a)],
    said: a.outgoing ? said.takenBack(user(a)) : said.revoked(adder(a), user(a)),
    kind: "other",
    run: decide(a, "revoke"),
  }),
  reopen: (a: Authorization): Decision => ({
    keys: [],
    said: said.reopened(adder(a)),
    kind: "other",
    run: decide(a, "reopen"),
  }),
};
