/** The demo federation. */
import { many } from "./many";

export const demo = {
  label: "Demo federation",
  short: "Demo",
  controls: "Controls of the demo",
  youSee: "You see",
  called: (provider: string, name: string) => `${provider} (${name})`,
  look: (name: string) => `Look at ${name}`,
  looking: (name: string) => `You see ${name}`,
  lookHint: (name: string) => `Shows everything as the operator of ${name} sees it`,
  mustRun: (name: string) => `Start ${name} first`,
  mustNotBeShown: (name: string) => `${name} is what you see; look at another one to stop it`,
  news: (waiting: number, unread: number) =>
    [
      waiting > 0 ? `${many(waiting, "thing waits", "things wait")} there` : "",
      unread > 0 ? many(unread, "unread message", "unread messages") : "",
    ]
      .filter(Boolean)
      .join(", "),
  run: (name: string) => `${name} runs`,
  start: (name: string) => `Start ${name}`,
  stop: (name: string) => `Stop ${name}`,
  stopped: "stopped",
  ask: (from: string, to: string) => `Let ${from} ask ${to}`,
  askAt: (from: string, to: string, provider: string) => `Let ${from} (${provider}) ask ${to}`,
  choose: "Choose who asks whom for a connection",
  hide: "Hide the demo's controls",
  show: "Show the demo's controls",
  asked: (from: string, to: string) => `${from} has asked ${to}.`,
  breaks: {
    button: "Break something",
    title: "Break something",
    intro:
      "Each of these is a failure as it comes about in earnest. Turn one on, see what is said of it under Peers, by the Doctor and, where it lasts, under Repairs, and turn it off again. When the demo is started anew, all are off.",
    provider: "What is broken at",
    page: (name: string) => `${name} under Peers`,
    isShown: (name: string) => `You see ${name} itself, so only what its own operator sees can be turned on.`,
    notShown: (name: string) => `Look at another provider than ${name} to turn this.`,
    notLetIn: (name: string) =>
      `${name} is not let in here yet, so nothing is exchanged with it and nothing of this shows: do step 1 of the tour first.`,
    noGroup: (name: string) =>
      `${name} keeps no group yet in which people of another provider take part that runs: make one as one of its people first.`,
    turning: "This is being done, and takes a while.",
    on: "switched on",
    onNow: "Switched on",
    turnOff: (what: string, name: string) => `Turn off at ${name}: ${what}`,
    part: { way: "The way to it", provider: "The provider itself" },
    switches: {
      stopped: {
        name: "Stopped",
        short: "stopped",
        text: (p: string) =>
          `${p} does not run. Its page and the Doctor, at the connection, say that nothing listens there.`,
      },
      slow: {
        name: "Slow network",
        short: "slow network",
        text: (p: string) =>
          `What ${p} answers is on its way for 2.5 s, piece by piece. Its page says so, and the Doctor at the signed request.`,
      },
      lossy: {
        name: "Lossy network",
        short: "lossy network",
        text: (p: string) =>
          `Each connection to ${p} breaks after some kilobytes, amid a request or an answer. Its page says now and then that one broke, and the Doctor says at which step.`,
      },
      "cutting-proxy": {
        name: "Proxy that cuts",
        short: "proxy that cuts",
        text: (p: string) =>
          `A proxy before ${p} ends pulls that wait after 12 s, and requests and answers that are longer than 64 KiB. Its page says so after two pulls; the Doctor at the size of requests. Off lets everything through; shorter pulls are made, and told of, until a whole one has been tried: after an hour, or when you press Try now on its page.`,
      },
      "clock-ahead": {
        name: "Clock ahead",
        short: "clock ahead",
        text: (p: string) =>
          `The clock of ${p} is 10 minutes ahead, so its signatures are refused, and it refuses those of others. The Doctor says at the clock which of the two is wrong.`,
      },
      "clock-behind": {
        name: "Clock behind",
        short: "clock behind",
        text: (p: string) =>
          `The clock of ${p} is 10 minutes behind, so its signatures are refused, and it refuses those of others. The Doctor says at the clock which of the two is wrong.`,
      },
      "certificate-expired": {
        name: "Expired certificate",
        short: "expired certificate",
        text: (p: string) =>
          `The certificate of ${p} has run out. Its page and the Doctor, at TLS, say since when; so does its own Overview.`,
      },
      "certificate-wrong-name": {
        name: "Certificate for another name",
        short: "certificate for another name",
        text: (p: string) =>
          `The certificate of ${p} is for another name than its own. Its page and the Doctor, at TLS, say for which; so does its own Overview.`,
      },
      "key-changed": {
        name: "Changed key",
        short: "changed key",
        text: (p: string) =>
          `${p} signs with another key, as where its key file was lost. Its page and the Doctor say that nothing is exchanged with it: what mends that is to accept the key on its page. Off puts the old key back, and has it accepted again.`,
      },
      "disk-full": {
        name: "Full disk",
        short: "full disk",
        text: (p: string) =>
          `The store of ${p} finds no room, so it keeps nothing that it is given. The Doctor says so at the size of requests, and its own Overview at once; its page does as soon as something is brought to it: a request to one of its people, or a message in a group that it keeps.`,
      },
      forked: {
        name: "Backup put back",
        short: "backup put back",
        text: (p: string) =>
          `A backup of ${p} is put back, which goes on in a group of its, so that the group has two histories. Its page, Groups and the Doctor, at our own pull, say that its log is another; where nothing proves the first history, the second counts after ten minutes. Off puts its folder back as it was; what was proved meanwhile stays noted.`,
      },
    },
  },
  guide: "A tour: one group across three providers",
  guideText: "Each step is ticked off by itself, whichever provider you look at.",
  guideClose: "Hide the tour",
  guideShow: "Show the demo's tour",
  guideDone:
    "That was all of it. Groups shows who is in it now and how far each provider has its log; Traffic shows how it got there. Leave the demo under Settings when you want a provider of your own.",
  next: "Next",
  stepDone: "done",
  stepOpen: "to do",
  stepOf: (n: number, of: number) => `Step ${n} of ${of}`,
  go: (screen: string, node: string) => `${screen} of ${node}`,
  steps: {
    connect: [
      "Let beta and bob in",
      "bob at beta asks for alice, and his provider is not known here yet. Look at what approving means, and approve both.",
    ] as const,
    make: [
      "Make a group",
      "In Conversations, as alice. She is its only member and its admin; alpha keeps its log.",
    ] as const,
    add: [
      "Ask to add bob and carol",
      "“Add somebody”, beside the new conversation. Nobody is added yet: their own providers are asked.",
    ] as const,
    agree: [
      "Agree at beta and at gamma",
      "Look at each of them with the buttons below the page, and approve the addition there. Each signs a grant, and alice's client adds them with it.",
    ] as const,
    write: [
      "Write something",
      "Back at alpha, as alice. Watch it go from “sending” to “arrived in the group”.",
    ] as const,
    answer: [
      "Answer at beta and at gamma",
      "Look at beta as bob and at gamma as carol: the message is there. Answer it.",
    ] as const,
    remove: [
      "Remove one of them",
      "At alpha, in the conversation's people. Whoever is removed is told so, and gets nothing from then on.",
    ] as const,
  },
} as const;
