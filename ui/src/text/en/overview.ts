/** Overview. */
import { many } from "./many";

/** What something is so for: the first, how many, and of how many. */
interface Told {
  about: string;
  count: number;
  of: number;
}

export const overview = {
  title: "Overview",
  /** The worst that is so, by its code: a sentence, and what to do. */
  health: {
    "store-failing": () => [
      "The store cannot keep what it is given.",
      "Most often the disk is full: make room. What is wrong is named below, under This node.",
    ],
    "certificate-invalid": ({ about }: Told) => [
      "This provider's certificate does not hold at this time.",
      `Others refuse to connect. Renew it (${about}), and see that this computer's clock is right.`,
    ],
    "name-unresolved": () => [
      "This provider's own name leads to no address.",
      "Others cannot find it. See that the name is spelled rightly and that its domain has an address record.",
    ],
    "runs-twice": () => [
      "A copy of this provider's data folder runs elsewhere.",
      "Nothing is sent until you have said under Repairs which of the two goes on.",
    ],
    "port-closed": () => [
      "Nothing listens at the port that this provider's own name leads others to.",
      "Others cannot reach it. Have this program listen on that port, or have that port forwarded to the one that it listens on.",
    ],
    "clock-unset": () => [
      "This computer's clock is wrong: it shows a time from before this program was built.",
      "Set the clock by the network. Until then nothing is signed, and nothing exchanged with others.",
    ],
    "clock-wrong": ({ count, of }: Told) => [
      `This computer's clock is probably wrong: ${count} of ${many(of, "provider disagrees", "providers disagree")}.`,
      "Set the clock by the network. Until then others refuse what this provider sends.",
    ],
    "key-changed": ({ about, count }: Told) => [
      count === 1
        ? `${about} has a new key: look at it before you go on.`
        : `${count} providers have a new key: look at each before you go on.`,
      "Nothing is exchanged with them meanwhile.",
    ],
    "group-broken": ({ count }: Told) => [
      count === 1
        ? "The log of a group is broken: nothing new in it is taken."
        : `The logs of ${count} groups are broken: nothing new in them is taken.`,
      "Each says under Groups what is wrong with it, and what to do.",
    ],
    "peers-unreachable": ({ about, count, of }: Told) => [
      count === 1
        ? `${about} cannot be reached at the moment.`
        : `${count} of ${of} providers cannot be reached at the moment.`,
      "The node tries again by itself. Each says under Peers at which step it fails.",
    ],
    "peers-block-us": ({ about, count, of }: Told) => [
      count === 1
        ? `${about} has blocked this provider.`
        : `${count} of ${of} providers have blocked this one.`,
      "Only their operators can change that.",
    ],
    "not-pulled": ({ about, count, of }: Told) => [
      count === 1
        ? `${about} does not pull from here.`
        : `${count} of ${of} providers do not pull from here.`,
      "What is for them stays here until they do. Either they do not run, or they cannot reach this provider's name and port.",
    ],
    "certificate-foreign": ({ about }: Told) => [
      "This provider's certificate is for another name.",
      `Others refuse to connect. Get one for its own name, and put it in the place of ${about}.`,
    ],
    "certificate-not-got": () => [
      "No certificate is got by ACME.",
      "Why, and what to do, is said under Repairs. It is tried again by itself.",
    ],
    "certificate-ending": ({ about }: Told) => [
      "This provider's certificate ends within two weeks.",
      `After that others refuse to connect. Renew it (${about}).`,
    ],
    "disk-low": () => [
      "Little room is left on the disk.",
      "Once it is full, nothing that comes in can be kept. What is left is under Repairs.",
    ],
    "backup-failing": () => [
      "No backup is made, though it is time.",
      "Why, and what to do, is under Repairs.",
    ],
    "notify-failing": ({ about, count }: Told) => [
      count === 1
        ? `Notifications do not come to ${about}.`
        : `Notifications do not come to ${count} of the places where you are told.`,
      "Why, and what to do, is under Repairs.",
    ],
    "router-failing": () => [
      "Others may not come here by the router.",
      "Why, and what to do, is under Repairs. It is asked again by itself.",
    ],
    "address-hook-failing": () => [
      "A changed address is not told on: the command for that fails.",
      "Why, and what to do, is under Repairs. It is run again by itself.",
    ],
    "certificate-refused": ({ about }: Told) => [
      "A renewed certificate could not be read: the one before goes on.",
      `See that ${about} and its key are whole and belong together.`,
    ],
    "name-private": () => [
      "This provider's name leads only to this computer or a private network.",
      "Providers elsewhere cannot reach it.",
    ],
    "certificate-self-signed": () => [
      "This provider's certificate is signed by itself.",
      "Others connect only where their operators were given it. A certificate of an authority is trusted by all.",
    ],
    "name-unlooked": () => [
      "This provider's own name has not been looked up yet.",
      "Whether others can find it is known in a moment.",
    ],
    "network-gone": () => [
      "No other provider can be reached, for a reason that is on this computer.",
      "See that it is on the network, and that names are looked up there.",
    ],
    troubled: ({ about, count }: Told) => [
      count === 1 ? `Something is wrong with ${about}.` : `Something is wrong with ${count} providers.`,
      "What it is, and what to do, is under Repairs.",
    ],
    "traffic-not-kept": () => [
      "What crosses the wire is not kept in the traffic record.",
      "Why, and what to do, is under Repairs. It is tried again by itself.",
    ],
    "stranger-refused": ({ about, count }: Told) => [
      count === 1 ? `${about} comes here and is refused.` : `${count} providers come here and are refused.`,
      "Why, and what to do, is under Repairs.",
    ],
    "stock-low": ({ about, count }: Told) => [
      count === 1
        ? `${about} has few keys left for being added to groups.`
        : `${count} clients have few keys left for being added to groups.`,
      "Start each of them: it makes new keys by itself.",
    ],
    ignored: ({ count }: Told) => [
      count === 1
        ? "Nothing is wrong but one thing that you ignore."
        : `Nothing is wrong but ${count} things that you ignore.`,
      "It is under Repairs.",
    ],
    "stock-spent": ({ about, count }: Told) => [
      count === 1
        ? `${about} has no fresh key left for being added to groups.`
        : `${count} clients have no fresh key left for being added to groups.`,
      "Start each of them: it makes new keys by itself. Until then its last resort is used again, or it cannot be added. Accounts says how it stands with each.",
    ],
    waiting: ({ count }: Told) => [`${many(count, "request waits", "requests wait")} for your decision.`, ""],
    "not-let-in": ({ about, count, of }: Told) => [
      count === 1
        ? `${about} has not let this provider in yet.`
        : `${count} of ${of} providers have not let this one in yet.`,
      "Their operators decide. Ask them, by another way, to look at their approvals.",
    ],
    paused: ({ about, count, of }: Told) => [
      count === 1 ? `${about} is paused.` : `${count} of ${of} providers are paused.`,
      "Nothing is fetched from them until you go on.",
    ],
    unproved: ({ of }: Told) => [
      of === 1
        ? "The one provider that you know has not come here yet."
        : `None of the ${of} providers that you know has come here yet.`,
      "Whether others can reach this provider is known when the first of them pulls from here.",
    ],
    alone: () => [
      "No other provider has been met yet.",
      "Whether others can reach this one is known when the first of them does.",
    ],
    well: ({ of }: Told) => [
      of === 1
        ? "All is well. One provider federates with you."
        : `All is well. ${of} providers federate with you.`,
      "",
    ],
  } satisfies Record<string, (told: Told) => readonly [string, string]>,
  unheard: "The node is not heard.",
  unheardText: "What is shown below is as it was before. How it is now is not known.",
  waiting: (n: number) => `${many(n, "request waits", "requests wait")} for your decision.`,
  since: "Running for",
  waits: "Waits for you",
  waitsEmpty: "Nothing waits. When a provider or a person asks for something, it is here first.",
  waitsAll: "All approvals",
  peers: "Federation",
  peersEmpty:
    "No provider yet. One appears here when it asks, or when one of your people asks someone there.",
  us: "this provider",
  weAskThem: "we pull them",
  theyAskUs: "they pull us",
  allPeers: "All peers",
  over: "over",
  lasting: "goes on",
  rate: "Pulls answered",
  rateHint: "Pulls that were answered, ours and theirs, in steps of 5 s over the last 5 min",
  rateNow: (answered: number, failed: number) =>
    `${answered.toLocaleString("en")} answered${failed > 0 ? `, ${failed.toLocaleString("en")} failed` : ""} in the last minute`,
  rateNowHint:
    "Pulls, ours and theirs, that ended in the last 60 s: with a page of the feed, or with a refusal or no answer at all",
  rateIn: "theirs here",
  rateOut: "ours there",
  rateScale: (n: number) => `highest: ${n} in 5 s`,
  rateFrom: "5 min ago",
  rateTo: "now",
  wantsIn: "asks to be let in",
  rateEmpty: (failed: number) =>
    failed === 0
      ? "No pull has been answered in the last 5 min. A waiting pull is answered when there is news."
      : `No pull has been answered in the last 5 min: ${many(failed, "has", "have")} failed.`,
  rateTable: "Pulls answered in the last 5 min, for each minute",
  minutesAgo: (n: number) => (n === 0 ? "this minute" : `${many(n, "minute", "minutes")} ago`),
  own: {
    name: "Its name",
    nameHint: "Whether others can find this provider under its name, by the rules that it finds others by",
    standing: {
      found: "leads to an address",
      unlooked: "not looked up yet",
      private: "leads to a private network",
      unresolved: "leads nowhere",
    },
    onlyHere: "leads only to this computer",
    port: "Its port",
    free: "Free on the disk",
    freeHint: "Where the data folder is; with less than 512 MiB, Repairs says so",
    portHint: "The port that its name leads others to, and the one that this node listens on",
    portOther: (named: number, listening: number) =>
      `others are led to ${named}, and this node listens on ${listening}: something has to forward the one to the other`,
    certificate: (section: string) =>
      section === "client"
        ? "Certificate (clients)"
        : section === "admin"
          ? "Certificate (these pages)"
          : "Certificate",
    certificateHint: "By it others know that they reached this provider",
    file: "file",
    ends: "ends",
    ended: "now or before: renew it",
    selfSigned: "signed by itself",
    fingerprint: "SHA-256",
    fingerprintWhat: "fingerprint",
    foreign: (names: string) => `for another name: ${names}`,
    issuance: "Certificate by ACME",
    issuanceHint: "Whether this provider gets its certificate by itself, and when it is renewed",
    issuanceTry: "Try to get it now",
    issuanceTried: "It is tried now, or as soon as the directory's limits allow.",
    issuanceStates: {
      well: "got",
      ordering: "being ordered",
      waiting: "to be ordered",
      failing: "not got",
    },
    router: "Router",
    routerHint: "What the router of this network says: whether it leads others here, and its public address",
    routerStates: {
      open: "leads here",
      asked: "names its address",
      own: "not needed",
      asking: "being asked",
      failing: "does not lead here",
    },
    asked: "asked again",
    addressHook: "Changed address",
    addressHookHint:
      "The command that is run when this computer's public address changes ([mtp] address_hook)",
    addressHookStates: { well: "told on", waiting: "nothing to tell yet", failing: "not told on" },
    directory: "directory",
    renewed: "renewed",
    tried: "tried",
    now: "now",
    store: "Store fails",
    since: "since",
    lost: (n: number) => `${many(n, "change", "changes")} not kept`,
  },
  client: (client: string, user: string) => `The client ${client} of ${user}`,
  facts: "This node",
  fact: {
    provider: ["Name", "The authority that others know this provider by"] as const,
    endpoint: ["Endpoint", "Where our provider document sends other providers"] as const,
    fingerprint: [
      "Key",
      "The thumbprint of the key that this node signs with; tell it to others out of band",
    ] as const,
    uptime: ["Uptime", "How long this node has been running"] as const,
    store: ["Store", "Size of the store on disk"] as const,
    folder: ["Folder", "Where everything is kept"] as const,
    version: ["Version", "Version of Drawbridge"] as const,
    users: ["Accounts", "People who live here"] as const,
    connections: ["Connections", "Approved connections of people here"] as const,
    waitingPulls: ["Waiting pulls", "Requests of peers that wait here for news right now"] as const,
    pulls: [
      "Pulls ended",
      "Pulls, ours and theirs, that ended in the last 60 s, whether they were answered or failed",
    ] as const,
  },
  newer: (peers: number, version: string) =>
    `${many(peers, "peer runs", "peers run")} a newer one, up to ${version}`,
  perMinute: (n: number) => `${n.toLocaleString("en")} per min`,
  listeners: "Listens on",
  listener: {
    mtp: ["Providers", "Where other providers reach this one"] as const,
    client: ["Clients", "Where the people's own programs reach it"] as const,
    admin: ["Administration", "Where this page comes from"] as const,
  } as Record<string, readonly [string, string]>,
  tls: "encrypted (TLS)",
  plain: "not encrypted",
} as const;
