/** The first screen, and the page that asks for the token. */

export const token = {
  title: "This page needs its token",
  why: "Only who can read the daemon's output may administer this provider from a browser.",
  where:
    "On the computer that the provider runs on, this prints a fresh link; where the node was started with a configuration of your own, add --config and its path. Open the link, or paste it (or only the token) here. It works once.",
  example: "drawbridged link",
  field: "Token or link",
  enter: "Open",
  empty: "Paste the token first.",
} as const;

export const first = {
  title: "Your own provider of messages",
  lead: "Drawbridge keeps your people's messages and fetches those of others, provider by provider, only from whom you let in.",
  left: {
    title: "The demo has ended",
    lead: "Nothing of it is kept. This program shows the demo only; for a provider of your own, end it and start the desktop app, or drawbridged run.",
  },
  demo: {
    title: "Try a demo federation",
    text: "Three providers on this computer, alpha, beta and gamma, with people in them. This window becomes alpha's. Nothing leaves the computer, and you can leave the demo at any time.",
    points: [
      "Let a stranger in and see what happens on the wire",
      "Stop a provider and see how that looks",
      "Nothing to configure",
    ] as readonly string[],
    start: "Start the demo",
    starting: "Starting three providers…",
  },
  own: {
    title: "Set up my own provider",
    text: "For you, your family or your club, under a name of your own.",
    provider: "Name of the provider",
    providerHint:
      "The name others reach you by: a domain name, with a port where it is not 443. It stays for good.",
    listen: "Address to listen on",
    listenHint: "Where this computer waits for other providers. 0.0.0.0 means every network it is in.",
    user: "First account",
    userHint: "A short name for yourself, such as alice. Others know you by it and the provider's name.",
    make: "Set up",
    making: "Setting up…",
    preview: (uri: string) => `You will be ${uri}`,
  },
  restore: {
    title: "Bring back a backup",
    text: "Where your provider has run before: everything is put back as it was, and what is newer is read back from the others. Do this only where it does not run elsewhere any more.",
    file: "Backup",
    fileHint:
      "The path of the file on this computer, such as /media/backups/home.example_2026-11-30.drawbridge",
    passphrase: "Passphrase",
    passphraseHint: "Where it was sealed with one.",
    restore: "Bring it back",
    restoring: "Bringing it back…",
    needs: {
      "needs-passphrase": "It is sealed with a passphrase: give that one.",
      "wrong-key": "It does not open with this passphrase.",
    } as Record<string, string>,
  },
  errors: {
    user: "Give a name of 1 to 64 lower-case letters, digits, hyphens, dots or underscores.",
  },
} as const;
