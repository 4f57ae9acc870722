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
  demo: "Demo federation",
  demoText: "This window is alpha's. Leaving stops the three providers.",
  leave: "Leave the demo",
  leaveTitle: "Leave the demo federation?",
  leaveText:
    "The three providers are stopped, and everything in them (people, connections, decisions) is lost. You are back at the first screen.",
  leaveButton: "Leave and delete the demo",
  saved: "Saved.",
} as const;
