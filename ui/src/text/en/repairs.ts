/** Repairs: what is wrong and can be acted upon. */
import { listed, many } from "./many";

export const repairs = {
  title: "Repairs",
  /** How bad it is, and what that means. */
  severity: {
    high: ["Broken", "It does not work, and something suffers from that"],
    medium: ["Needs attention", "It will not work for long, or not for everybody"],
    low: ["Worth knowing", "It works all the same"],
  } as const,
  open: (n: number) => `${many(n, "thing is", "things are")} wrong`,
  code: "code",
  since: "for",
  seen: "last seen",
  ignoredAt: "ignored",
  suffers: ({ groups, users, submissions }: { groups: number; users: number; submissions: number }) =>
    listed([
      ...(groups > 0 ? [many(groups, "group", "groups")] : []),
      ...(users > 0 ? [many(users, "person here", "people here")] : []),
      ...(submissions > 0 ? [many(submissions, "message that waits", "messages that wait")] : []),
    ]),
  suffersLead: "What suffers",
  side: {
    ours: "This side has to act.",
    theirs: "The other provider's operator has to act.",
    either: "One of the two sides has to act.",
    nobody: "Nobody has to act: wait.",
  },
  todo: "What to do",
  check: "Check it",
  checkUs: "Check this provider",
  retry: "Try now",
  retried: (provider: string) => `${provider} is tried now.`,
  openPeer: "Open it under Peers",
  newKey: "Look at its new key",
  openGroup: "Open the group",
  openAccounts: "Open Accounts",
  openSettings: "Open Settings",
  openOverview: "Open Overview",
  openTraffic: "Open Traffic",
  goOnHere: "This copy goes on",
  goOnHereHint: "Press it at one of the two, and only once the other is stopped for good",
  goesOn: "This copy goes on.",
  ignore: "Ignore",
  ignoreHint:
    "Sets it aside until it changes: another code, worse than now, or more suffers from it than now. What ends and begins again later is shown again.",
  unignore: "Show again",
  ignored: (text: string) => `Ignored until it changes: ${text}`,
  shown: (text: string) => `Shown again: ${text}`,
  ignoredTitle: "Ignored",
  ignoredHint: "Set aside by you; each is shown again where it changes",
  historyTitle: "History",
  historyHint: "What is well again, the latest first; the latest 500 are kept",
  historyEmpty: "Nothing that was raised has ended yet. What ends is listed here, with how long it lasted.",
  historyOf: {
    raised: "raised",
    gone: "gone",
    lasted: "lasted",
  },
  more: (n: number) => `Show ${many(n, "more", "more")}`,
  emptyTitle: "Nothing is wrong that this node can see.",
  lookedAt: (peers: number) =>
    `It has looked at its store, its name, its certificates and its clock, ${
      peers === 0 ? "" : `at how it goes with ${many(peers, "provider", "providers")}, `
    }at the logs of its groups, and at the keys that are left for adding its people to groups.`,
  cannotSee:
    "Whether others reach this provider it knows only from those that come here; the Doctor can look, and a peer can look back.",
  notLooked: "It has not been looked yet since the node was started.",
  looked: "Looked",
  emptyBegun: "Nothing is wrong that has lasted.",
  begunTitle: "Begun",
  begunHint: "Wrong at the moment, and not for long enough to be no blip",
  /** After how many seconds something is listed as wrong. */
  begunAfter: (seconds: number) =>
    seconds < 60
      ? "listed when it goes on"
      : `listed when it has lasted ${many(Math.round(seconds / 60), "minute", "minutes")}`,
  us: "this provider",
  arrived: (text: string) => text,
  all: "All repairs",
  overviewEmpty: "Nothing is wrong that this node can see.",
  overviewBegun: (n: number) =>
    `Nothing is wrong that has lasted; ${many(n, "thing has", "things have")} begun.`,
  overviewMore: (n: number) => `${many(n, "more", "more")} under Repairs.`,
  overviewIgnored: (n: number) => `${many(n, "more is", "more are")} ignored.`,
} as const;
