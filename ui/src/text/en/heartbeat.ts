/** How it went with a peer over time. */
import { many } from "./many";

export const heartbeat = {
  title: "Heartbeat",
  span: "Time",
  spans: {
    "1h": ["1 h", "The last hour, in slots of 40 seconds"] as const,
    "1d": ["24 h", "The last day, in slots of 16 minutes"] as const,
    "7d": ["7 d", "The last seven days, in slots of 112 minutes"] as const,
    "30d": ["30 d", "The last thirty days, in slots of eight hours"] as const,
  },
  direction: { ours: "What we asked of it", theirs: "What it asked of us" },
  state: {
    good: "Answered",
    "some-failed": "Some failed",
    failed: "Failed",
    quiet: "Nothing asked",
    off: "Not running",
  },
  stateHint: {
    good: "All that was asked was answered, or waited as a pull does for news",
    "some-failed": "Some requests were answered and some failed",
    failed: "All requests failed",
    quiet: "Nothing was asked",
    off: "This provider did not run, or did not count yet",
  },
  /** What a slot says, after its time. */
  slot: {
    good: (good: number, _failed: number, _code: string) => `${good.toLocaleString("en")} answered`,
    "some-failed": (good: number, failed: number, code: string) =>
      `${good.toLocaleString("en")} answered, ${failed.toLocaleString("en")} failed, at last ${code}`,
    failed: (_good: number, failed: number, code: string) =>
      `${failed.toLocaleString("en")} failed, at last ${code}`,
    quiet: () => "nothing asked",
    off: () => "this provider was not running",
  },
  at: (time: string, what: string) => `${time}: ${what}`,
  never: "Nothing was asked in this time.",
  noFailure: (slots: number) => `No failure in ${many(slots, "slot", "slots")} in which something was asked.`,
  failures: (failed: number, slots: number, time: string, code: string) =>
    `${failed.toLocaleString("en")} of ${slots.toLocaleString("en")} slots with failures, the latest at ${time}: ${code}.`,
  keys: "The arrow keys go from slot to slot. Enter shows the requests of one.",
  show: "Show the requests",
  showFailed: "Show the failures",
  hint: "A failure is what keeps providers from working with each other: no usable answer, a signature that is not believed, a provider that cannot answer. A decision, such as that somebody is blocked or not connected, is none.",
  nothing:
    "Nothing is counted, since the configuration keeps no requests on disk: set keep_requests and keep_mib under [traffic] to more than 0.",
  unusable: (why: string) => `Nothing is counted, since the file for it cannot be used: ${why}.`,
  fault: (why: string) => `What happens now is not counted, since it cannot be written to disk: ${why}.`,
} as const;
