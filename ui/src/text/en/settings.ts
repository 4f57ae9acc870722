/** Settings. */
import { many } from "./many";

export const settings = {
  title: "Settings",
  strangers: "Strangers",
  strangersText: "What happens when a provider that you have not met introduces itself.",
  stranger: {
    ask: ["Ask me", "It waits under Approvals until you have decided."] as const,
    open: ["Let it in", "It is let in at once. Its people's requests still wait for a decision."] as const,
    listed: [
      "Only my list",
      "It is turned away and forgotten. Only providers that you add are spoken with.",
    ] as const,
  },
  tellDeclined: "Tell who asked when a request is declined",
  tellDeclinedText:
    "Off, a declined request looks pending until it expires, so that nobody learns who is here and what they think.",
  here: "On this screen",
  hereText: "Kept in this browser or window only.",
  keys: "Single-key shortcuts",
  keysText: "Letters such as j, a and z act at once. Off, only shortcuts with Ctrl or ⌘ work.",
  notify: "Desktop notifications",
  notifyText: "Says so when something new waits while this page is open.",
  notifyDenied:
    "The browser has been told not to show notifications of this page; its own settings change that.",
  browsers: "Browsers",
  browsersText:
    "Each has used a link of its own and may do everything here. One that is not used for thirty days has to use another link.",
  browserOn: (browser: string, system: string | null) =>
    system === null ? browser : `${browser} on ${system}`,
  browserUnnamed: "A browser without a name",
  browserThis: "This one:",
  browserSince: "let in",
  browserSeen: "last seen",
  browserEnd: "End",
  browserEndOf: (name: string) => `End ${name}`,
  browserEndTitle: (name: string) => `End the session of ${name}?`,
  browserEndOwn: "End the session of the browser that you use now?",
  browserEndText:
    "What is ended is shut out at once, in all its tabs, and needs another link to come back: of this page, or of drawbridged link.",
  browsersEndOthers: "End all others…",
  browsersEndOthersTitle: (count: number) =>
    `End ${many(count, "other browser's session", "other browsers' sessions")}?`,
  browsersEndOthersAction: "End all others",
  otherDevice: {
    open: "Open on another device…",
    title: "Open on another device",
    text: "Who opens this link can do everything here that you can.",
    scan: "Scan the code with your phone's camera, or open the link there.",
    qr: "The link as a QR code",
    link: "the link",
    address: "Address",
    once: "It works once. If it is not used, it ends",
    over: "This link has ended: it worked for ten minutes.",
    another: "Make another",
    letIn: (name: string) => `${name} is let in. It is in the list, where it can be ended.`,
    here: "In another browser on this computer this link works:",
    selfSigned:
      "The certificate there has signed itself. The device warns of that, and goes on when you tell it to.",
    fingerprint: "By its SHA-256 fingerprint you know that it is this one:",
    fingerprintWhat: "the fingerprint",
    unreached:
      "This computer does not reach that address just now. The device may all the same, where it is in the network that the address is for.",
    obstacle: {
      run: (listen: string) =>
        `Other devices do not reach these pages: the program was started so that it serves them at ${listen} alone, on this computer. Have it run by “drawbridged serve” with a configuration, and set there where the pages are served.`,
      loopback: (listen: string) =>
        `Other devices do not reach these pages: they listen at ${listen} alone, on this computer. In the configuration, give [admin] a listen address that others reach with tls_cert and tls_key; or have a proxy with a certificate pass on to these pages, and name its address in origins.`,
      certificate: (listen: string) =>
        `The pages listen at ${listen}, and their certificate is for this computer's own addresses alone, such as localhost. Give [admin] tls_cert and tls_key for a name that other devices reach.`,
      unreached: () =>
        "This computer reaches none of these addresses just now, so other devices may not either. Look whether the name leads here, and whether the port is open.",
    },
    part: "The pages on a phone",
    guide: "How the pages are reached from a phone",
  },
  signingKeys: {
    title: "Signing key",
    text: "Others know this provider by its key. A new key is shown to them for a day before it signs, so that nobody has to accept it.",
    onCommand:
      "The key is changed when you say so. [keys] rotate_days in the configuration has it changed by itself.",
    every: (days: number) =>
      `A key signs for ${many(days, "day", "days")} before a new one follows it by itself.`,
    standing: {
      next: "New",
      signs: "Signs",
      published: "Still shown",
      past: "Former",
      revoked: "Revoked",
    },
    signsIn: "signs in",
    since: "since",
    until: "signed until",
    leavesIn: "no longer shown in",
    rotate: "Change the key…",
    rotateTitle: "Change the signing key?",
    rotateText:
      "A new key is published now and signs in 25 hours. The old one stays published for a month, until all that it has signed has ended. Nothing stops meanwhile.",
    rotateAction: "Change the key",
    rotated: "A new key is published.",
    revoke: "Revoke…",
    revokeHint: "Where somebody else may have it",
    revokeTitle: "Revoke this key?",
    revokeText:
      "For a key that somebody else may have. It is out of the provider document at once, and nothing that it signed counts any more. This cannot be undone.",
    revokeAction: "Revoke the key",
    revoked: "The key is revoked. Make a backup now: an older one brings it back.",
    signedFrom: "It signs since",
    stops: (providers: readonly string[]) =>
      `${many(providers.length, "provider exchanges", "providers exchange")} nothing with you until ${providers.length === 1 ? "its operator has" : "their operators have"} accepted your new key, whose fingerprint you have to tell them by another way: ${providers.join(", ")}.`,
    stopsNone: "No provider that you have let in has to accept anything.",
    grants: (all: number, unused: number) =>
      all === 0
        ? "It has signed no grant that is kept."
        : `It has signed ${many(all, "grant", "grants")}, by which people here may be added to groups. ${unused === 0 ? "All are used." : `${unused} of them, not used yet, ${unused === 1 ? "is" : "are"} signed anew.`}`,
    grant: (user: string, adder: string, group: string) => `${user}, by ${adder}, to ${group}`,
    groups: (all: number) =>
      all === 0
        ? "Nobody has checkpoints of your groups."
        : `Others may have checkpoints of ${many(all, "group", "groups")} of yours that it has signed. They prove nothing any more; new ones are signed with the new key.`,
    group: (group: string, participants: readonly string[]) => `${group}, with ${participants.join(", ")}`,
    more: (count: number) => `and ${count} more: the command signed-with lists them all`,
  },
  backups: {
    title: "Backups",
    text: "Everything that this provider is in one file: its keys, peers, groups and decisions, and the conversations of accounts used here. Restored on any computer, it goes on, and reads back from the others what is newer.",
    every: (hours: number, keep: number, sealed: boolean) =>
      `One is made ${hours === 24 ? "each day" : `every ${many(hours, "hour", "hours")}`}, and the latest ${many(keep, "is", "are")} kept${sealed ? ", sealed for your key of age" : ""}. [backup] in the configuration changes that.`,
    never: "None is made by itself. [backup] every_hours in the configuration changes that.",
    none: (folder: string) => `There is none yet in ${folder}.`,
    more: (count: number, folder: string) => `${many(count, "older one", "older ones")} in ${folder}`,
    failed: (why: string) => `The last one that was due was not made: ${why}`,
    sealed: "sealed",
    unsealed: "not sealed",
    make: "Back up now…",
    about: "It is made while the provider runs; nobody has to wait for it.",
    passphrase: "Passphrase",
    passphraseHint:
      "Without it, whoever has the file has everything. With it, nobody opens the file without it, you included.",
    recipientHint: (recipient: string) => `Without it, the file is sealed for ${recipient}.`,
    again: "The same again",
    unlike: "The two are not the same.",
    keys: "With the keys",
    keysText:
      "Without them, the file alone cannot bring the provider back: you need identity.key and clients.key of the data folder too.",
    now: "Back up",
    making: "Making it…",
    done: "The backup is made.",
    download: "Download…",
    downloadTitle: "Download a backup",
    downloadAbout:
      "It is made while you download it, into this browser's folder for downloads. Nothing of it is kept on the provider's computer.",
    downloadNow: "Download",
    downloadBegun:
      "The download has begun, and the browser shows how far it is. One that was cut off cannot be restored, so wait for its end.",
    downloadSealed: "Nobody opens it without what it is sealed with.",
    downloadSafe:
      "Keep the file safe: whoever has it can speak as your provider and read the conversations kept there.",
    made: "The backup is on the computer that the provider runs on:",
    keep: "Copy it to another disk or computer.",
    keepSafe:
      "Copy it to another disk or computer, and keep it safe: whoever has it can speak as your provider and read the conversations kept here.",
    keyless: "It has no keys: keep identity.key and clients.key of the data folder apart from it.",
    lacksKey:
      "The key of the conversations is in this computer's keychain, which did not give it: the conversations cannot be read elsewhere.",
  },
  notifications: {
    title: "Notifications elsewhere",
    text: "What waits for you and what is wrong can also be sent to a program (a webhook), to your phone by ntfy, or by mail. Each thing is told once, also over restarts, and tried again until it has come.",
    none: "Nobody is told elsewhere. [notify] in the configuration changes that.",
    kind: {
      webhook: (place: string) => `A webhook at ${place}.`,
      ntfy: (place: string) => `A topic of ntfy at ${place}.`,
      smtp: (place: string) => `Mail by ${place}.`,
    },
    told: (waits: boolean, least: "low" | "medium" | "high") =>
      `It is told ${waits ? "what waits, and " : ""}${
        {
          low: "all that is wrong.",
          medium: "what is wrong of medium or high severity.",
          high: "what is wrong of high severity.",
        }[least]
      }`,
    nameless: "Names are left out.",
    never: "never reached",
    reached: "last reached",
    waiting: (count: number) => `${many(count, "thing is", "things are")} yet to be told.`,
    failed: (why: string) => `It cannot be told: ${why}`,
    test: "Send a test",
    testing: "Sending a test…",
    testCame: "The test has come.",
    came: "The test has come everywhere.",
    missed: (count: number) => `The test has not come to ${many(count, "target", "targets")}.`,
  },
  storage: {
    title: "Storage",
    all: (size: string) => `This provider takes ${size} on its disk.`,
    diskFree: (size: string) => `${size} are free there.`,
    byKind: "What takes room, by kind",
    /** What it is called, what that is, and how many of it there are. */
    kinds: {
      logs: [
        "Logs of groups",
        "Every event of the groups that people here are in, about as the store holds them",
        (n: number) => many(n, "event", "events"),
      ],
      "peer-feeds": [
        "Waiting for providers",
        "What is to be told to other providers, until they have fetched it and a day longer",
        (n: number) => many(n, "item", "items"),
      ],
      "client-feeds": [
        "Waiting for clients",
        "What is to be told to the clients of people here, until they have fetched it and a day longer",
        (n: number) => many(n, "item", "items"),
      ],
      "key-packages": [
        "KeyPackages",
        "By which people here can be added to groups",
        (n: number) => `${many(n, "is", "are")} kept, handed out or not`,
      ],
      other: [
        "Everything else in the store",
        "Members, requests, decisions, which items of others have come, and where everything stands",
        null,
      ],
      free: ["Free room in the store's file", "It is used for what comes, or given back to the disk", null],
      "write-ahead": ["Just written", "It is moved into the store's file now and then", null],
      traffic: ["Traffic record", "The latest requests between this provider and others", null],
      conversations: ["Conversations", "Of accounts that are used on this computer", null],
      backups: ["Backups", "In the folder for backups", (n: number) => many(n, "backup", "backups")],
      copies: [
        "Copies from before an update",
        "The store as it was before a newer version changed it",
        (n: number) => many(n, "copy", "copies"),
      ],
    } as const,
    byGroup: "Groups that take the most",
    byPeer: "Providers that take the most",
    more: (n: number) => `and ${many(n, "other", "others")}: drawbridged storage --json lists them all`,
    events: (n: number) => `${many(n, "event", "events")}.`,
    contentsFrom: (seq: number) => `What was said before event ${seq.toLocaleString("en")} was removed.`,
    forPeer: (waiting: number, size: string) =>
      waiting === 0
        ? `${size} for it, which it has fetched.`
        : `${size} for it, ${many(waiting, "item", "items")} not fetched yet.`,
    ofPeer: (groups: number, size: string) => `${size} of ${many(groups, "group", "groups")} that it owns.`,
    messages: "Old messages",
    kept: "What was said in groups is kept for as long as the groups are there.",
    removedAfter: (days: number) =>
      `What was said in groups is removed from their logs after ${many(days, "day", "days")}, once everybody has fetched it.`,
    choose: "Choose how long…",
    chooseTitle: "How long messages are kept",
    chooseText:
      "In the logs of all groups here, also those of other providers' groups, the contents of messages are removed after a time. You see first what would go.",
    days: "Days",
    daysHint: (least: number) =>
      `At least ${least}. Keep them for longer than your oldest backup: where one is put back, what is newer is read from the logs of others, and they from yours.`,
    look: "Show what would go",
    looking: "Looking…",
    remove: (days: number) => `Remove after ${many(days, "day", "days")}`,
    keep: "Keep all messages",
    keptNow: "Messages are kept from now on.",
    removedNow: "Old messages are being removed.",
    goes: (messages: number, size: string, groups: number) =>
      `Now the contents of ${many(messages, "message", "messages")} would go, ${size}, of ${many(groups, "group", "groups")}.`,
    oldest: "The oldest is from",
    nothingGoes: "Now nothing would go. From then on, what becomes that old goes by itself.",
    messagesOf: (n: number) => many(n, "message", "messages"),
    held: (n: number) =>
      `${many(n, "message", "messages")} of that age ${n === 1 ? "stays" : "stay"} for now, since somebody has yet to fetch ${n === 1 ? "it" : "them"}, for thirty days at most.`,
    unfetched: "Has not fetched all of it",
    neverFetched: "has never fetched anything.",
    fetched: "last fetched something",
    waits: (n: number) =>
      `${many(n, "message waits", "messages wait")} for it and ${n === 1 ? "stays" : "stay"}.`,
    lost: (n: number) =>
      `It was away for so long that ${many(n, "message waits", "messages wait")} no longer: it would find that ${n === 1 ? "it was" : "they were"} there, and not what ${n === 1 ? "it" : "they"} said.`,
    stays:
      "Who wrote when stays, and everything that changes a group, so that the log can still be checked and followed. What was said is gone here for good; clients that have fetched it keep it.",
    free: "Free room",
    freeNone: "Nothing of the store's file is free.",
    freeText: (size: string) =>
      `${size} of the store's file are free, for what comes. Where it is much, it is given back to the disk by itself; the provider goes on meanwhile.`,
    left: (size: string) => `Free room is being given back to the disk: ${size} are left.`,
    lastGiven: (size: string) => `${size} were given back`,
    given: (size: string) => `${size} were given back to the disk.`,
    give: "Give it back now",
    giving: "Giving it back…",
  },
  bundle: {
    title: "Support bundle",
    text: "One file for somebody who helps you to find out what is wrong here.",
    make: "Make a support bundle…",
    about:
      "In it are the configuration, versions, the state of peers and groups with their recent trouble, numbers, and the latest 2,000 requests; names of providers, people and groups are replaced by hashes. Keys, tokens, addresses, paths and messages are not in it.",
    whole: (lines: number, size: string) => `All of it: ${many(lines, "line", "lines")}, ${size}`,
    save: "Save",
    copy: "Copy",
    copied: "The support bundle is copied.",
    saved: "The support bundle is saved.",
  },
  proxy: {
    title: "Behind a proxy",
    text: "A proxy on this computer, such as one that serves your website, can end TLS and pass on to this provider. This is its configuration, with your own values; its first lines say what your provider's configuration has to have.",
    isBehind:
      "This provider is behind a proxy on this computer, which ends TLS. This is the proxy's configuration, with your own values.",
    program: "Proxy",
    configuration: (program: string) => `The configuration of ${program}`,
    copy: "Copy",
    copied: (program: string) => `The configuration of ${program} is copied.`,
  },
  demo: "Demo federation",
  demoText: "This window is alpha's. Leaving stops the three providers.",
  leave: "Leave the demo",
  leaveTitle: "Leave the demo federation?",
  leaveText:
    "The three providers are stopped, and everything in them (people, connections, decisions) is lost. You are back at the first screen.",
  leaveButton: "Leave and delete the demo",
  saved: "Saved.",
} as const;
