/** What the doctor found, in words and shapes, in order, and as plain text. */
import type { CheckReport } from "@/bindings/CheckReport";
import type { CheckSide } from "@/bindings/CheckSide";
import type { CheckStep } from "@/bindings/CheckStep";
import type { CheckStepName } from "@/bindings/CheckStepName";
import type { CheckVerdict } from "@/bindings/CheckVerdict";
import { guidePart } from "@/domain/guide/parts";
import { remedy } from "@/domain/peer/words";
import { inUtc } from "@/shared/format";
import type { Shape, Tone } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { t } from "@/text";

interface Mark {
  tone: Tone;
  shape: Shape;
}

export const verdictMark: Record<CheckVerdict, Mark> = {
  pass: { tone: "ok", shape: "tick" },
  warn: { tone: "warn", shape: "triangle" },
  wait: { tone: "wait", shape: "half" },
  fail: { tone: "bad", shape: "cross" },
  skipped: { tone: "muted", shape: "dash" },
};

/** The word for all of it. That all is well can be said only at the end; that something fails, at once. */
export function wholeWord(report: CheckReport | null, isRunning: boolean): Mark & { text: string } {
  const { whole } = t.doctor;
  if (report?.is_finished && isUnseen(report)) return { ...verdictMark.warn, text: whole.unseen };
  if (report?.is_finished && report.verdict === "warn" && !report.works)
    return { ...verdictMark.warn, text: whole.partly };
  if (report !== null && (report.is_finished || report.verdict === "fail"))
    return { ...verdictMark[report.verdict], text: whole[report.verdict] };
  return isRunning
    ? { tone: "wait", shape: "half", text: whole.running }
    : { tone: "muted", shape: "dash", text: whole.unfinished };
}

/** Who has to act; where it is not known, it is one of the two. */
export function actor(step: CheckStep): CheckSide {
  return step.side ?? "either";
}

/** What to do about a step of that report, where something is wrong with it. */
export function stepRemedy(step: CheckStep, report: CheckReport): string | null {
  if (step.verdict === "pass" || step.verdict === "skipped") return null;
  const code = step.code ?? "";
  if (step.name === "this-side") return remedy({ code, stage: step.stage }, true);
  const isAboutUs = report.is_own && (!isAsking(step, report) || ASKED_ABOUT_US.has(code));
  return remedy({ code, stage: step.stage }, isAboutUs);
}

/** What a peer may answer to the request to look that says something of us, and not of the way to the peer. */
const ASKED_ABOUT_US: ReadonlySet<string> = new Set([
  "look-back-refused",
  "look-back-late",
  "rate-limited",
  "key-unknown",
  "clock-skew",
]);

/** Whether a step tells what became of asking a peer to look, and not what the peer has seen. */
function isAsking(step: CheckStep, { seen_by }: Pick<CheckReport, "seen_by">): boolean {
  if (seen_by === null) return false;
  return step.name === "look-back";
}

/** Whether a peer that was asked to look has told nothing. */
function isUnseen(report: CheckReport): boolean {
  return report.seen_by !== null && report.steps.every((step) => isAsking(step, report));
}

/** What a step is about. */
export function stepHint({ name }: CheckStep, { is_own }: CheckReport): string {
  const own: Partial<Record<CheckStepName, string>> = t.doctor.hintOwn;
  return (is_own ? own[name] : undefined) ?? t.doctor.hint[name];
}

export function sectionTitle({ name }: Section, { is_own }: CheckReport): string {
  return is_own ? t.doctor.sectionOwn[name] : t.doctor.section[name];
}

type SectionName = keyof typeof t.doctor.section;

/** Steps about one of several addresses; those about none stand alone. */
export interface StepGroup {
  at: string | null;
  steps: CheckStep[];
}

export interface Section {
  name: SectionName;
  groups: StepGroup[];
}

const sectionOf: Record<CheckStepName, SectionName> = {
  "look-back": "asking",
  name: "way",
  "this-side": "way",
  store: "way",
  "way-in": "way",
  dns: "way",
  addresses: "way",
  connect: "way",
  tls: "way",
  document: "document",
  keys: "document",
  clock: "answers",
  ping: "answers",
  seen: "answers",
  peering: "answers",
  limits: "answers",
  pull: "answers",
  "our-pull": "pulls",
  "their-pull": "pulls",
};

/** The steps in their order, by what they belong to. A way that comes after the document leads to the endpoint. */
export function sections(report: Pick<CheckReport, "steps" | "seen_by">): Section[] {
  const all: Section[] = [];
  let hasDocument = false;
  for (const step of report.steps) {
    const usual = isAsking(step, report) ? "asking" : sectionOf[step.name];
    hasDocument ||= usual === "document";
    const name = usual === "way" && hasDocument ? "endpoint" : usual;
    let section = all.at(-1);
    if (section?.name !== name) {
      section = { name, groups: [] };
      all.push(section);
    }
    const group = section.groups.at(-1);
    if (group !== undefined && step.at !== null && group.at === step.at) group.steps.push(step);
    else section.groups.push({ at: step.at, steps: [step] });
  }
  return all;
}

const NEXT: Record<CheckStepName, CheckStepName> = {
  "look-back": "name",
  name: "dns",
  "this-side": "dns",
  store: "dns",
  "way-in": "dns",
  dns: "addresses",
  addresses: "connect",
  connect: "tls",
  tls: "document",
  document: "keys",
  keys: "clock",
  clock: "ping",
  ping: "seen",
  seen: "peering",
  peering: "limits",
  limits: "pull",
  pull: "our-pull",
  "our-pull": "their-pull",
  "their-pull": "their-pull",
};

/** The step that is most likely being done. None where a look at ourselves has only to be summed up. */
export function nextStep({ steps, is_own }: Pick<CheckReport, "steps" | "is_own">): CheckStepName | null {
  const last = steps.at(-1);
  if (last === undefined) return "name";
  if (last.name === "tls" && steps.some((step) => step.name === "document")) return "clock";
  const isStopped = last.verdict === "fail" && last.at === null;
  if (is_own && (isStopped || last.name === "ping")) return null;
  return isStopped ? "our-pull" : NEXT[last.name];
}

/** Longer than anything that the node says of a step. */
const LONGEST_LINE = 4_000;
const INDENT = " ".repeat(33);

/** The report as lines of text, as `drawbridged check` prints it. */
export function plainText(report: CheckReport, by: string): string {
  const { plain } = t.doctor;
  const line = (text: string) => lineText(text, LONGEST_LINE);
  const steps = report.steps.flatMap((step) => {
    const time = `${step.duration_ms.toFixed(0).padStart(7)} ms`;
    const place = step.at === null ? "" : `${line(step.at)}: `;
    const code = step.code === null ? "" : ` (${line(step.code)})`;
    const todo = stepRemedy(step, report);
    const part = guidePart(step);
    return [
      `${step.name.padEnd(10)} ${time}  ${plain.verdict[step.verdict].padEnd(8)}  ${place}${line(step.text)}${code}`,
      ...(todo === null ? [] : [`${INDENT}${plain.side[actor(step)]}: ${todo}`]),
      ...(todo === null || part === undefined ? [] : [`${INDENT}${t.guide.more} ${part}`]),
      ...step.evidence.map(({ what, value }) => `${INDENT}${line(what)}: ${line(value)}`),
    ];
  });
  return [
    headLine(report, line(report.provider), by),
    "",
    ...steps,
    "",
    report.is_finished ? line(report.summary) : plain.unfinished,
    "",
  ].join("\n");
}

function headLine({ is_own, seen_by, began }: CheckReport, provider: string, by: string): string {
  const { plain } = t.doctor;
  const at = inUtc(began);
  if (seen_by !== null) return plain.headSeen(provider, lineText(seen_by, LONGEST_LINE), at);
  return is_own ? plain.headOwn(provider, at) : plain.head(provider, by, at);
}
