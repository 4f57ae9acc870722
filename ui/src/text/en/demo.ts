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
  startHere: "Begin here: let somebody ask, then look under Approvals.",
} as const;
