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
