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
  scan: {
    camera: "Scan with the camera",
    stop: "Stop the camera",
    picture: "Read from a picture…",
    seen: "What the camera sees",
    hold: "Hold the code of the card before the camera. No picture leaves this page.",
    none: "No code is to be read in this picture. Take one in which the code is whole, sharp and large.",
    noPicture: "This file is no picture that can be read here. Take a PNG or a JPEG.",
    notAllowed:
      "This page was not allowed to use the camera. Allow it in the browser, or take a picture of the code.",
    noCamera: "The camera gives no picture: it may be in use. A picture of the code can be read instead.",
  },
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
