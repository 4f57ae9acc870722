/** How everything is, in words: what the node has judged, and whether the node is heard at all. */
import type { Health } from "@/bindings/Health";
import type { HealthCode } from "@/bindings/HealthCode";
import type { HealthGrade } from "@/bindings/HealthGrade";
import type { Shape, Tone } from "@/shared/Mark";
import { t } from "@/text";
import { clientName, nameOf, userOfClient } from "./identifiers";
import type { Link } from "./live";

export interface HealthWord {
  tone: Tone;
  shape: Shape;
  text: string;
  /** What follows from it, or what to do; may be empty. */
  more: string;
  /** Whether a look at this provider itself may tell more. */
  isAboutUs: boolean;
}

const marks: Record<HealthGrade, { tone: Tone; shape: Shape }> = {
  bad: { tone: "bad", shape: "triangle" },
  warn: { tone: "warn", shape: "triangle" },
  wait: { tone: "wait", shape: "half" },
  well: { tone: "ok", shape: "disc" },
};

/** What the doctor may find out more of, by a look at this provider itself. */
const ABOUT_US: ReadonlySet<HealthCode> = new Set([
  "certificate-invalid",
  "certificate-foreign",
  "certificate-self-signed",
  "certificate-not-got",
  "name-unresolved",
  "port-closed",
  "name-private",
  "router-failing",
  "runs-twice",
  "clock-unset",
  "clock-wrong",
  "network-gone",
  "not-pulled",
  "unproved",
]);

/** Each code has its words. */
const words: Record<
  HealthCode,
  (told: { about: string; count: number; of: number }) => readonly [string, string]
> = t.overview.health;

/** What a provider is called in a sentence. */
type Called = (provider: string) => string;

function aboutText(code: HealthCode, about: string, called: Called): string {
  if (code !== "stock-spent" && code !== "stock-low") return called(about);
  return t.overview.client(clientName(about), nameOf(userOfClient(about)));
}

export function healthWord(
  { code, grade, about, count, of }: Health,
  link: Link,
  called: Called,
): HealthWord {
  if (link.state === "lost")
    return {
      tone: "bad",
      shape: "cross",
      text: t.overview.unheard,
      more: t.overview.unheardText,
      isAboutUs: false,
    };
  const [text, more] = words[code]({ about: aboutText(code, about ?? "", called), count, of });
  return { ...marks[grade], text, more, isAboutUs: ABOUT_US.has(code) };
}
