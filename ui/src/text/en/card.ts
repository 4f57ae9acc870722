/** The card by which others add this provider, and certificates that are trusted by a click. */

export const card = {
  mine: "My card",
  text: "Give it to the operator of another provider: the link or the code adds yours there, and says how to know it.",
  qr: "The card as a QR code",
  link: "the link",
  key: "Fingerprint of the key",
  certificate: "Fingerprint of the certificate",
  certificateHint: "The certificate signs itself, so it is known by this alone",
  known: (p: string) => `By this card ${p} is known by:`,
  trust: {
    look: "Look at its certificate",
    title: (p: string) => `The certificate of ${p}`,
    text: "Nobody whom this computer trusts vouches for it. Compare the fingerprint with what its operator tells you by another way, such as on the telephone; where it is the same, it can be trusted for this provider.",
    trusted: "It is trusted already.",
    names: "For",
    ends: "Until",
    give: "Trust it for this provider",
    given: (p: string) => `The certificate is trusted for ${p}.`,
    list: "Certificates trusted by a click",
    listText: "Each for one provider, by its fingerprint.",
    takeBack: "Take back",
    takeBackOf: (p: string) => `Take back the trust in the certificate of ${p}`,
    takenBack: (p: string) => `The certificate of ${p} is not trusted any more.`,
  },
} as const;
