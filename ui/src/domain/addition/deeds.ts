/** Decisions on additions of our people to groups. */
import type { AddRule } from "@/bindings/AddRule";
import type { Authorization } from "@/bindings/Authorization";
import type { AuthorizationDecision } from "@/bindings/AuthorizationDecision";
import { additionKey } from "@/domain/connection/approvals";
import { type Call, type Deed, inTurn } from "@/domain/connection/deeds";
import { nameOf } from "@/domain/node/identifiers";
import { t } from "@/text";

const decide = (addition: Authorization, decision: AuthorizationDecision) => async (call: Call) => {
  await call("decide-authorization", { id: addition.id, decision, from_provider: addition.from_provider });
};
const rule = (addition: Authorization, kind: AddRule) => async (call: Call) => {
  await call("set-add-rule", { user: nameOf(addition.user), other: addition.adder, rule: kind });
};

const said = t.approvals.done;
const adder = (a: Authorization) => nameOf(a.adder);
const user = (a: Authorization) => nameOf(a.user);

export const additionDeeds = {
  approve: (a: Authorization): Deed => ({
    keys: [additionKey(a)],
    said: said.approvedAddition(adder(a), user(a)),
    kind: "approve",
    run: decide(a, "approve"),
    undo: decide(a, "revoke"),
  }),
  decline: (a: Authorization): Deed => ({
    keys: [additionKey(a)],
    said: said.declined(adder(a)),
    kind: "decline",
    run: decide(a, "decline"),
    undo: decide(a, "reopen"),
  }),
  ignore: (a: Authorization): Deed => ({
    keys: [additionKey(a)],
    said: said.asideAddition(adder(a)),
    kind: "ignore",
    run: decide(a, "ignore"),
    undo: decide(a, "reopen"),
  }),
  /** Only what no rule decides waits, so taking a rule back is asking again. */
  always: (a: Authorization): Deed => ({
    keys: [additionKey(a)],
    said: said.alwaysAdds(adder(a), user(a)),
    kind: "approve",
    run: inTurn(decide(a, "approve"), rule(a, "allow")),
    undo: inTurn(rule(a, "ask"), decide(a, "revoke")),
  }),
  never: (a: Authorization): Deed => ({
    keys: [additionKey(a)],
    said: said.neverAdds(adder(a), user(a)),
    kind: "block",
    run: inTurn(decide(a, "decline"), rule(a, "never")),
    undo: inTurn(rule(a, "ask"), decide(a, "reopen")),
  }),
  revoke: (a: Authorization): Deed => ({
    keys: [additionKey(a)],
    said: a.outgoing ? said.takenBack(user(a)) : said.revoked(adder(a), user(a)),
    kind: "other",
    run: decide(a, "revoke"),
  }),
  reopen: (a: Authorization): Deed => ({
    keys: [],
    said: said.reopened(adder(a)),
    kind: "other",
    run: decide(a, "reopen"),
  }),
};
