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
    way: "How others reach it",
    ways: [
      {
        value: "acme",
        title: "By a domain, with a certificate from Let's Encrypt",
        text: "The certificate is asked for and renewed by itself. Port 443 of your connection has to lead to this computer.",
      },
      {
        value: "files",
        title: "By a domain, with a certificate of my own",
        text: "It is in files, which are read again when they change.",
      },
      {
        value: "proxy",
        title: "Behind a proxy on this computer",
        text: "A web server such as nginx or Caddy has the certificate, and passes on what is the provider's.",
      },
      {
        value: "network",
        title: "In this network only",
        text: "The certificate signs itself; whoever is to reach this provider trusts it by its fingerprint.",
      },
    ] as const,
    fields: {
      provider: {
        label: "Name of the provider",
        hint: "The name others reach you by: a domain name, with a port where it is not 443. It stays for good.",
        example: "home.example",
      },
      listen: {
        label: "Address to listen on",
        hint: "Where this computer waits for other providers, or for the proxy. 0.0.0.0 means every network it is in.",
        example: "",
      },
      tls_cert: {
        label: "File of the certificate",
        hint: "Its whole path on this computer: the certificate and those that lead to its root, PEM.",
        example: "/etc/drawbridge/fullchain.pem",
      },
      tls_key: {
        label: "File of its key",
        hint: "Its whole path on this computer, PEM. The user that runs this program has to be able to read it.",
        example: "/etc/drawbridge/privkey.pem",
      },
      contact: {
        label: "Your address for mail (optional)",
        hint: "Where whoever issues the certificate may write to.",
        example: "you@home.example",
      },
      dns_command: {
        label: "Program that sets a record in the DNS",
        hint: "Its whole path. It is called with set or clear, the record's name and its value; the guide says more.",
        example: "/etc/drawbridge/dns-command",
      },
      directory: {
        label: "Who issues the certificate",
        hint: "letsencrypt, staging to try it out, or the address of another ACME directory.",
        example: "",
      },
      user: {
        label: "First account",
        hint: "A short name for yourself, such as alice. Others know you by it and the provider's name.",
        example: "alice",
      },
      clients: {
        label: "Address for clients of your own",
        hint: "Where apps on this computer come for your messages. It stays the same.",
        example: "",
      },
    },
    openPort: "Ask the router to lead the port here",
    openPortHint:
      "This computer is behind a router. Many open a port when a program asks them (UPnP, NAT-PMP), as long as it runs; where yours does not, forward the port in its settings.",
    terms: "I agree to the terms of service of Let's Encrypt",
    termsLink: "read them",
    challenge: "How Let's Encrypt sees that the name is yours",
    challenges: [
      { value: "tls-alpn-01", text: "It connects to port 443 of the name" },
      { value: "http-01", text: "It asks at port 80 of the name" },
      { value: "dns-01", text: "It looks for a record in the DNS, which a program sets" },
    ] as const,
    proxyAfter:
      "What the proxy's configuration has to say is under Settings, Behind a proxy, once it is set up.",
    networkAfter: "The fingerprint is on the Overview once it is set up.",
    take: (instead: string) => `Use ${instead}`,
    meant: "It is meant so",
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
} as const;
