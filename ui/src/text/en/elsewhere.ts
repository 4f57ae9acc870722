/** Providers on other machines that the window shows in the place of this computer's own. */
import { many } from "./many";

export const elsewhere = {
  /** The name of the group of commands. */
  group: "Providers",
  switch: "Show another provider",
  showing: (name: string, place: string) => `${name}, ${place}. Show another provider`,
  here: "This computer",
  hereNone: "No provider is set up here",
  unnamed: "No provider is set up there",
  show: (name: string) => `Show ${name}`,
  add: "Administer another machine…",
  forget: (name: string) => `Forget ${name}…`,
  waits: (n: number) => many(n, "thing waits", "things wait"),
  state: {
    connecting: "connecting",
    live: "connected",
    name: "not reached: its name leads nowhere",
    connect: "not reached",
    certificate: "another certificate",
    answer: "does not answer",
    session: "session ended",
  },
  adding: {
    title: "Administer a provider on another machine",
    text: "A provider that always runs, on a computer at home or a rented one, is looked after from this window: all screens work as if it ran here, and what waits there is told on this desktop.",
    begin: "Add a machine…",
    link: "Link",
    linkHint:
      "On the other machine, drawbridged link prints one; in its pages, Settings has “Open on another device”. It works once.",
    empty: "Paste the link first.",
    look: "Continue",
    looking: "Looking…",
    address: "Address",
    fingerprint: "SHA-256 fingerprint of its certificate",
    fingerprintWhat: "the fingerprint",
    compare:
      "Compare this with what the other machine says: drawbridged link prints the fingerprint below the link, and “Open on another device” and the Overview show it too. If they differ, somebody stands in between: do not go on.",
    vouched:
      "An authority that this computer trusts vouches for this certificate. If a proxy serves the pages, the fingerprint is that of the proxy's certificate.",
    pinned: "From then on this program speaks with this certificate alone.",
    plain:
      "This is an address of this computer itself, such as the end of a tunnel, so there is no certificate to compare.",
    connect: "They are the same: connect",
    connectPlain: "Connect",
    connecting: "Connecting…",
    back: "Back",
    inFile:
      "This computer has no keychain that could be used, so the session is kept in a file that only you can read. Whoever reads it can do at that provider what you can.",
  },
  unreached: {
    title: (name: string) => `${name} is not reached`,
    connecting: (name: string) => `Connecting to ${name}…`,
    certificate: (name: string) => `${name} shows another certificate`,
    session: (name: string) => `Your session with ${name} is over`,
    steps: "The steps to it",
    step: {
      name: "Its name leads to an address",
      connect: "A connection comes about",
      certificate: "It shows the certificate that you confirmed",
      answer: "Drawbridge answers",
      session: "It takes your session",
    },
    went: "went well",
    failed: "failed",
    untried: "not tried",
    again: "It is tried again by itself.",
    unheard: "It has not been heard for",
    retry: "Try now",
    help: {
      name: "Look whether the name is written as it should be, and whether this computer is in a network that knows it.",
      connect:
        "Look whether the other machine runs, whether drawbridged runs there, and whether the port is open for this computer.",
      certificate:
        "Look whether something else listens at that address, and whether the pages there are served with TLS.",
      answer: "Look at the log of drawbridged there, and whether what stands in front of it leads to it.",
    },
    changed: {
      text: "Nothing was sent to it. If the certificate was renewed there, compare the fingerprint that it shows with what the other machine says (drawbridged link, or the Overview in its own pages). If you do not know of a change, somebody may stand in between.",
      confirmed: "You confirmed",
      shown: "It shows",
      vouched: "An authority that this computer trusts vouches for the one that it shows.",
      trust: "It is the right one: trust it",
      trusting: (name: string) => `The certificate of ${name} is trusted from now on.`,
    },
    ended: "It was ended there, or was not used for thirty days.",
    relink: "Paste a new link to go on.",
    banner: (name: string) => `${name} is not reached.`,
  },
  forgetting: {
    title: (name: string) => `Forget ${name}?`,
    text: "This program's session there is ended, and its link to that machine is gone. The provider itself runs on as it does. To come back you need a new link.",
    action: "Forget it",
    done: (name: string) => `${name} is forgotten.`,
    doneHere: (name: string) =>
      `${name} is forgotten here. It was not reached, so the session is still in its list of browsers: end it there, or it lapses after thirty days.`,
  },
  version: (name: string, theirs: string, ours: string) =>
    `${name} runs Drawbridge ${theirs}, and this app is ${ours}: the two may not understand each other. Update the older one.`,
  settings: {
    title: "This machine",
    text: "The window shows a provider on another machine. What the screens call this computer is that machine.",
    address: "Address",
    certificate: "Certificate",
    certificateHint: "The SHA-256 fingerprint that you confirmed. No other certificate is spoken with.",
    tunnel: "none: it is reached at an address of your own computer, such as a tunnel",
    version: "Version",
    kept: "Session",
    keptIn: {
      keychain: "in your computer's keychain",
      file: "in a file on your computer that only you can read, since no keychain could be used",
    },
    forget: "Forget this machine…",
  },
} as const;
