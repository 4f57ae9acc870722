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
  browserEndTitle: "End this browser's session?",
  browserEndOwn: "End the session of the browser that you use now?",
  browserEndText:
    "It is shut out at once, in all its tabs. drawbridged link prints a link by which it can come back.",
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
    made: "The backup is on the computer that the provider runs on:",
    keep: "Copy it to another disk or computer.",
    keepSafe:
      "Copy it to another disk or computer, and keep it safe: whoever has it can speak as your provider and read the conversations kept here.",
    keyless: "It has no keys: keep identity.key and clients.key of the data folder apart from it.",
    lacksKey:
      "The key of the conversations is in this computer's keychain, which did not give it: the conversations cannot be read elsewhere.",
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
