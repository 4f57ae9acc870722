/** What goes wrong, and what to do. */

export const stage = {
  dns: "Name",
  connect: "Connection",
  tls: "TLS",
  document: "Document",
  signature: "Signature",
  policy: "Permission",
  http: "Answer",
  content: "Content",
  store: "Store",
} as const;

export const stageHint = {
  dns: "Its name has no address",
  connect: "No connection to its address",
  tls: "The encrypted handshake, or its certificate",
  document: "Its provider document, which names its keys and its endpoint",
  signature: "A signature, ours there or theirs here",
  policy: "Its operator's decision, or yours",
  http: "An HTTP answer that is not what the protocol has",
  content: "What it told us breaks the protocol's rules",
  store: "Our store or theirs has lost something or gone back in time",
} as const;

/** What to do, by the code of the trouble; where a code is not known, by the stage. */
export const remedy = {
  code: {
    "peer-pending":
      "Its operator has not let you in yet. Ask them, by another way, to look at their approvals.",
    "peer-blocked": "Its operator has blocked you. Only they can change that.",
    "peer-key-changed":
      "It thinks that your key has changed. If you set this provider up anew, ask its operator to accept the new key and tell them your thumbprint.",
    "key-changed":
      "Its key is not the one that was accepted. Ask its operator, by another way, for the thumbprint before you accept it.",
    "clock-skew":
      "One of the two clocks is wrong. Compare this computer's time with a reliable clock; switch on its automatic setting.",
    "signature-expired":
      "One of the two clocks is wrong, or the way is very slow. Compare this computer's time with a reliable clock.",
    "key-unknown":
      "It could not fetch or find your key. See that your own name and port can be reached from outside.",
    "signature-invalid": "Something on the way changes requests, often a proxy. Let it pass them unchanged.",
    "signature-missing": "Something on the way takes headers off, often a proxy. Let it pass them unchanged.",
    "digest-mismatch": "Something on the way changes contents, often a proxy. Let it pass them unchanged.",
    replayed:
      "It took the request for a repeat. It is sent anew by itself; if it goes on, look for a proxy that sends things twice.",
    "not-here": "It answers under another name. See that the name is spelled as its operator gives it.",
    "feed-reset": "Its feed begins anew, as after a restored backup. The node catches up by itself.",
    "log-forked":
      "Its log counts, and your users' apps join the group anew. Members may have read different things. Ask its operator whether a backup was restored; what was here, and what proves both, is kept.",
    "log-broken":
      "Its log of a group is not the one that it told before, so nothing more of that group is taken until that is settled, which the node tries each minute. Ask its operator whether a backup was restored.",
    "own-log-forked":
      "Your store was set back to an older copy and went on before this provider could be reached. Say so in the group: what was numbered meanwhile does not count. Apps send their messages again; changes of who is in the group have to be made again.",
    "checkpoint-wrong":
      "What it signs of a group's log is not in order. Ask its operator to look at its software.",
    "adopted-unproved":
      "These messages were lost here and came back from its copy. Ask in the group whether they are as they were sent.",
    "feed-truncated":
      "It no longer has what was missed here. The node catches up by itself with what there is.",
    "rate-limited": "It is asked too often. The node waits as long as it was told to.",
    unavailable: "It is too busy at the moment. The node tries again by itself.",
    "not-asked": "You have blocked it, so it is asked for nothing. Allow it first, if that is what you want.",
    "not-allowed": "Its operator has not let you in. Ask them, by another way, to look at their approvals.",
    "no-address":
      "See that the name is spelled rightly and that its domain still exists. The node tries again by itself.",
    "connect-failed":
      "It may be switched off, or a firewall is in between. The node tries again by itself; if it lasts, ask its operator whether it runs.",
    "connection-refused":
      "Nothing listens there: most often it is switched off. The node tries again by itself; if it lasts, ask its operator whether it runs.",
    unreachable:
      "There is no way to its address from here. See that this computer is on the network; otherwise its operator has to look.",
    "connect-timeout":
      "Nothing answers at its address: it may be switched off, or a firewall drops what is sent there. Run the check, which says how far one comes.",
    "dns-timeout":
      "Its name was not looked up in time. See that this computer is on the network and that its name server answers.",
    "connection-lost":
      "The connection broke while it was used. The node tries again by itself; if it goes on, run the check.",
    "certificate-expired": "Its certificate has run out. Its operator has to renew it.",
    "certificate-not-yet-valid":
      "Its certificate is not valid yet. Most often a clock is wrong: compare this computer's time with a reliable clock.",
    "certificate-wrong-name":
      "Its certificate is for another name. See that the name is spelled rightly; otherwise its operator has to mend it.",
    "certificate-unknown-issuer":
      "Nobody this computer trusts has signed its certificate. Its operator needs one of a public authority, or you have to name theirs in [peers] extra_roots.",
    "certificate-self-signed":
      "It has signed its certificate itself, as a provider does until it is given another. Its operator has to get one, or give you theirs, which you name in [peers] extra_roots.",
    "certificate-invalid": "Its certificate cannot be used. Its operator has to replace it.",
    "tls-version":
      "It does not speak TLS 1.3. Its operator has to bring its server, or the proxy in front of it, up to date.",
    "tls-not-spoken":
      "Something that speaks no TLS answers there, such as plain HTTP. See that the port is right; otherwise its operator has to mend it.",
    "tls-timeout":
      "It takes connections and then says nothing: it may hang. The node tries again by itself; if it lasts, tell its operator.",
    "tls-failed":
      "The encrypted handshake broke. Run the check; if it goes on, tell its operator the sentence above.",
    "address-refused":
      "Its name leads to a private or local address, which is refused unless you allow that network in the configuration.",
    "document-missing":
      "It publishes no provider document. See that the name is right; otherwise its operator has to mend it.",
    "document-invalid": "Its provider document is not in order. Its operator has to mend it.",
    "response-unsigned":
      "Its answer is not signed; something on the way, often a proxy, may have answered in its place.",
    "proxy-error":
      "A proxy in front of it answers, and cannot reach it: it may be switched off or starting. The node tries again by itself.",
    "proxy-too-large":
      "A proxy in front of it takes less at once than it should. Less is sent by itself; its operator can raise the proxy's limit to 8 MiB.",
    "pull-cut":
      "Pulls are asked to wait shorter by itself. Where the proxy is yours or theirs, let it wait for an answer for at least 75 s.",
    "answer-too-large": "It answers with more than it may. Tell its operator the sentence above.",
    other: "It refuses for a reason that this version does not know. Tell its operator the sentence above.",
    "other-responder": "Another provider has answered in its place. See where its name and its proxy lead.",
    "too-many-items":
      "It tells more at once than it was asked for, and none of it is kept. Tell its operator the sentence above; you can block it.",
    "feed-gap": "It has left items out of its feed. Its operator should look at its store.",
    "feed-behind":
      "Its feed has gone back in time, as after a restored backup. The node catches up by itself.",
    "peer-went-back": "It has gone back in time, as after a restored backup. It catches up by itself.",
    "other-generation": "Its feed begins anew. The node catches up by itself.",
    "log-differs":
      "It has another history of a group of yours than you have: a store on one side was restored, or it lies. Ask its operator, by another way.",
    "added-unproved":
      "Ask the one who was added, by another way, whether they agreed; if not, the group's admins can take them out. Tell its operator the sentence above.",
    "grant-invalid":
      "A proof that somebody agreed to be added does not hold. Ask them to agree anew; if it goes on, tell its operator the sentence above.",
    "feed-hasty":
      "Its software, or a proxy in front of it, ends each pull at once. It is asked less often by itself; tell its operator the sentence above.",
    "foreign-event":
      "It speaks for a group that another provider owns, and none of that is kept. Tell its operator the sentence above.",
    "group-not-followed":
      "The node reads the group anew by itself. If it goes on, tell the operator of the group's owner the sentence above.",
    "item-malformed":
      "Part of its feed was not understood and is left out. Bring both providers up to date, or tell its operator the sentence above.",
    "log-gap":
      "That part of the group's log is gone there. What was said in it is with the members who had read it: ask in the group.",
    "object-wrong":
      "What it gave is not what the log names, and is not taken. If it goes on, tell its operator the sentence above.",
    "roster-wrong":
      "It tells of other members than the group has, and is not believed. Tell its operator the sentence above.",
    "welcome-lost":
      "A user of yours was added, and the way in is lost. The node looks for another by itself; if the group does not appear, have the user added again.",
    "unexpected-status":
      "It, or a proxy in front of it, answers what the protocol does not have. Run the check, and tell its operator the sentence above.",
    "given-up": "The node stopped waiting for the answer by itself. Nothing has to be done.",
    malformed:
      "One side does not understand what the other sends. Bring both providers up to date, or tell its operator the sentence above.",
    "unsupported-wire-format":
      "It does not take the form in which a client changes a group. Bring that client up to date.",
    "invalid-mls":
      "It does not take what a client sent to a group. Bring that client up to date; if it goes on, tell its operator the sentence above.",
    "not-connected": "The two people are not connected there. Let one ask the other for a connection anew.",
    "not-authorized": "It does not allow that, or the group's rules do not. Ask the group's admins.",
    "not-participant":
      "It does not count the asker among the group's members. The node catches up by itself; if it goes on, ask a member of the group.",
    "not-found":
      "It has nothing by that name, or does not show it to you. See that the name is spelled rightly.",
    conflict:
      "It has something else under the same id, as after a restored backup. Tell its operator the sentence above.",
    "epoch-conflict":
      "Somebody else changed the group first. The change is made anew by the client that wanted it.",
    gone: "It no longer has what was asked for. If it is missed, ask its operator.",
    "too-large": "It takes less at once than was sent. If it goes on, tell its operator the sentence above.",
    "unsupported-media-type":
      "It, or a proxy in front of it, does not take the form in which it is asked. Tell its operator the sentence above.",
    timeout: "It took too long. The node tries again by itself; if it goes on, run the check.",
  } as Record<string, string>,
  stage: {
    dns: "See that the name is spelled rightly and that its domain still exists. The node tries again by itself.",
    connect:
      "It may be switched off, or a firewall is in between. The node tries again by itself; if it lasts, ask its operator whether it runs.",
    tls: "Its certificate has run out, is for another name, or is not signed by anyone this computer trusts. Its operator has to mend that.",
    document:
      "Something else answers under its name, or it is set up wrongly. Its operator has to mend that.",
    signature:
      "A signature was not accepted. Most often a clock is wrong or a proxy changes requests; run the check.",
    policy: "It is a decision of an operator. Talk to them.",
    http: "It answers what nobody asked. A proxy in front of it, or its software, is to blame; tell its operator.",
    content: "Its software breaks the protocol's rules. Tell its operator the sentence above.",
    store: "A store has lost something. The node catches up by itself; if it goes on, restore from a backup.",
  },
} as const;
