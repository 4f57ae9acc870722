/** Comparing the copies of a group's log. */
import { many } from "./many";

export const comparison = {
  title: "Compare copies",
  hint: "Asks the provider that keeps the group, and the others in it, for what they have of the log, and compares the hashes. What the keeper has signed counts, and not what anybody says.",
  begin: "Compare",
  again: "Compare again",
  running: (done: number, all: number) => `${done} of ${many(all, "provider has", "providers have")} told.`,
  asking: "Asking.",
  keeper: "keeps the group",
  verdict: {
    equal: "Same",
    behind: "Has less",
    ahead: "Has more",
    different: "Different",
    invalid: "Not in order",
    refused: "Tells nothing",
    waits: "Busy",
    unanswered: "No answer",
    "not-asked": "Not asked",
  },
  word: {
    differentFrom: (seq: number) => `Different from event ${seq.toLocaleString("en")}`,
    weBehind: (n: number) => `We are ${many(n, "event", "events")} behind`,
    theyBehind: (n: number) => `${many(n, "event", "events")} behind us`,
    theyAhead: (n: number) => `${many(n, "event", "events")} ahead of us`,
  },
  signed: "Signed by its keeper",
  signedHint: "The keeper's own word on its log, which this provider has shown; the signature is good",
  event: (seq: number) => `event ${seq.toLocaleString("en")}`,
  hash: "hash",
  key: "thumbprint",
  withKey: "with the key",
  agrees: "as it is here",
  disagrees: "not as it is here",
  unknown: "not here yet",
  what: (p: string) => `What was found at ${p}`,
  incident: "Two stories were told",
  incidentHint:
    "The provider that keeps this group has said two things of one event. This stays until you have settled it with its operator.",
  proved: "Proved to anybody",
  unproved: "Proved to this provider only",
  found: "found",
  evidence: "Save the evidence",
  evidenceHint:
    "One file with both signed checkpoints, the keys, and the events between. Whoever gets it can verify the signatures without trusting you, and has to know from elsewhere that the keys are the owner's. It has no messages, but names who sent them.",
  copied: "The evidence is copied.",
} as const;
