/** What is said around every screen, and how numbers are. */
import { many } from "./many";

export const app = {
  name: "Drawbridge",
  skip: "Skip to the content",
  loading: "Reading from the node…",
  close: "Close",
  cancel: "Cancel",
  retry: "Try again",
  undo: "Undo",
  nothingToUndo: "There is nothing to undo.",
  undoLapsed: "That can no longer be undone: it could be for 10 seconds.",
  copy: (what: string) => `Copy ${what}`,
  copied: "Copied",
  more: "More",
  means: "Means",
  showAll: (size: string) => `Show all of it (${size})`,
  showLess: "Show less",
  wholeText: "The whole text",
  dismiss: "Dismiss",
  notifications: "Notifications",
  search: "Find or do…",
  details: "Details",
  secondsLeft: (n: number) => `${n} s`,
  yes: "yes",
  no: "no",
  none: "none",
  sortedBy: (column: string, down: boolean) => `${column}, sorted ${down ? "downwards" : "upwards"}`,
  waits: (n: number) => `${many(n, "thing waits", "things wait")} for you`,
  title: (screen: string, waits: number, shown: string | null) =>
    `${waits > 0 ? `(${waits}) ` : ""}${screen}${shown === null ? "" : ` · ${shown}`} · Drawbridge`,
  failed: "That did not work",
  unreachable: "The node does not answer.",
  /** What goes before the reason, by its code, where that alone would puzzle. */
  faults: {
    "provider-not-running": "The provider does not run on this computer.",
    "grant-invalid": "The consent to be added does not hold; ask again.",
    "not-connected": "Ask for a connection under Approvals first.",
    "no-such-authorization": "The request was taken back or has lapsed.",
    "no-such-group": "That group is not at this provider.",
    "no-conversation": "This account is not in that group.",
    "not-participant": "This account is not in that group any more.",
    "rate-limited": "That was too much at once; wait a moment.",
    mls: "The group's keys do not allow it.",
  } as Record<string, string>,
  /** What is to be given where a field for a name is empty. */
  nothingNamed: {
    provider: "Give the provider's name, such as home.example.",
    user: "Give the person's address, such as bob@beta.example.",
    group: "Give the group's address.",
  },
  crashed: "This screen stopped on a fault of its own. Nothing was lost at the node.",
  noSuch: {
    peer: (text: string) => `“${text}” is not a provider's name. The address of this page may be cut off.`,
    group: (text: string) => `“${text}” is not a group's address. The address of this page may be cut off.`,
  },
  reload: "Load the page again",
  notFound: "There is no such screen.",
  goOverview: "Go to the overview",
} as const;

export const units = {
  justNow: "now",
  ago: (span: string) => `${span} ago`,
  in: (span: string) => `in ${span}`,
  due: "now",
  ms: (n: string) => `${n} ms`,
  s: (n: string) => `${n} s`,
  min: (n: number) => `${n} min`,
  h: (n: number) => `${n} h`,
  d: (n: number) => many(n, "day", "days"),
  y: (n: number) => many(n, "year", "years"),
  moreYears: (n: number) => `more than ${many(n, "year", "years")}`,
  hmin: (h: number, m: number) => (m === 0 ? `${h} h` : `${h} h ${m} min`),
  mins: (m: number, s: number) => (s === 0 ? `${m} min` : `${m} min ${s} s`),
  bytes: (n: string, unit: string) => `${n} ${unit}`,
  byteNames: ["B", "kB", "MB", "GB", "TB"] as readonly string[],
  items: (n: number) => many(n, "item", "items"),
  times: (n: number) => many(n, "time", "times"),
  unknown: "–",
} as const;

export const nav = {
  label: "Screens",
  overview: "Overview",
  approvals: "Approvals",
  repairs: "Repairs",
  peers: "Peers",
  groups: "Groups",
  conversations: "Conversations",
  traffic: "Traffic",
  doctor: "Doctor",
  accounts: "Accounts",
  settings: "Settings",
  more: "More",
} as const;

export const link = {
  lost: "The connection to the node is lost.",
  lostSince: "Trying again by itself. What you see is as it was before; nothing has been heard for",
  back: "The connection to the node is back.",
  connecting: "Connecting to the node…",
} as const;

export const palette = {
  title: "Commands",
  placeholder: "What to do, or the name of a provider, a group or a person",
  empty: "Nothing matches.",
  groups: {
    go: "Go to",
    act: "Do",
    peer: "Peers",
    group: "Groups",
    talk: "Conversations",
    demo: "Demo",
    view: "View",
  },
  open: "Command palette",
  goTo: (screen: string) => `Go to ${screen}`,
  help: "Keyboard shortcuts",
  retryPeer: (p: string) => `Retry ${p} now`,
  openPeer: (p: string) => `Open ${p}`,
  approveAll: (n: number) => `Look at ${many(n, "waiting thing", "waiting things")}`,
} as const;

export const shortcuts = {
  title: "Keyboard shortcuts",
  off: "Single-key shortcuts are off; Settings turns them on.",
  down: "Next row",
  up: "Previous row",
} as const;
