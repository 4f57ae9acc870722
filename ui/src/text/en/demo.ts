/** The demo federation. */

export const demo = {
  label: "Demo federation",
  short: "Demo",
  controls: "Controls of the demo",
  you: "this window",
  running: "runs",
  stopped: "stopped",
  run: (name: string) => `${name} runs`,
  start: (name: string) => `Start ${name}`,
  stop: (name: string) => `Stop ${name}`,
  ask: (from: string, to: string) => `Let ${from} ask ${to}`,
  choose: (name: string) => `Choose who at ${name} asks whom`,
  askAll: (name: string) => `Everyone at ${name} has asked or is connected; choose to ask again`,
  mustRun: (name: string) => `Start ${name} first`,
  hide: "Hide the demo's controls",
  show: "Show the demo's controls",
  asked: (from: string, to: string) => `${from} has asked ${to}.`,
  guide: "What you can do here",
  guideText: "Six steps through everything. Each is ticked off by itself as you do it, in whatever order.",
  guideClose: "Hide the steps",
  guideShow: "Show the demo's steps",
  guideDone: "You have seen it all. Leave the demo under Settings when you want a provider of your own.",
  stepDone: "done",
  stepOpen: "to do",
  steps: {
    approve: [
      "Let somebody in",
      "bob at beta asks for alice. Look at what approving means, and approve him.",
    ] as const,
    use: ["Use alice on this computer", "She gets a client that is built in, with keys of her own."] as const,
    group: ["Make a group", "alice is its only member and its admin."] as const,
    add: [
      "Add carol",
      "She is connected with alice already. Her provider gamma is asked, and lets her be added.",
    ] as const,
    write: [
      "Write something",
      "Then look under Traffic: gamma fetches it, and nobody on the way can read it.",
    ] as const,
    stop: [
      "Stop beta",
      "With the switch below. Peers says what is wrong and when it goes on; start beta again and it heals.",
    ] as const,
  },
} as const;
