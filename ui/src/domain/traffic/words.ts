/** What a request is, in words. */
import type { Stage } from "@/bindings/Stage";
import type { Traffic } from "@/bindings/Traffic";
import type { Shape, Tone } from "@/shared/Mark";
import { lineText } from "@/shared/text";
import { t } from "@/text";

/** Characters of a request's target that are shown. */
const LONGEST_TARGET = 2_000;

/** The request's own line. Whoever asks us may write anything into it. */
export function requestLine({ method, target }: Pick<Traffic, "method" | "target">): string {
  return lineText(`${method} ${target}`, LONGEST_TARGET);
}

/** What an item of a page is, or what was submitted and what became of it, in the peer's own words where it has such. */
export function itemText(kind: string): string {
  const [type = "", refused] = lineText(kind).split(": ");
  const name = t.traffic.item[type] ?? type;
  return refused === undefined ? name : t.traffic.itemRefused(name, refused);
}

export function isError(record: Traffic): boolean {
  return record.stage !== null || (record.status !== null && record.status >= 400);
}

/** Steps that come before anything of a request is on the wire. */
const BEFORE_SENDING: ReadonlySet<Stage> = new Set(["dns", "connect", "tls", "policy"]);

/**
 * Whether a request of ours never left. One that was refused before that has no headers either; only a document is asked
 * for without any that are told.
 */
export function isUnsent(record: Traffic): boolean {
  const { direction, kind, waiting, status, stage, request_headers } = record;
  if (direction !== "out" || waiting || status !== null || stage === null) return false;
  return BEFORE_SENDING.has(stage) || (request_headers.length === 0 && kind !== "document");
}

/** The answer in a word, a colour and a shape. */
export function answer(record: Traffic): { tone: Tone; shape: Shape; text: string } {
  if (record.waiting) return { tone: "wait", shape: "half", text: t.traffic.waiting };
  if (record.stage !== null && isUnsent(record)) {
    // The step alone does not tell what to look up in the guide.
    const code = record.code === null ? "" : ` (${record.code})`;
    return { tone: "bad", shape: "dash", text: `${t.traffic.notSent(t.stage[record.stage])}${code}` };
  }
  if (record.stage !== null && record.status === null)
    return { tone: "bad", shape: "cross", text: t.stage[record.stage] };
  if (record.status === null) return { tone: "muted", shape: "ring", text: t.traffic.noAnswer };
  const status = String(record.status);
  if (isError(record)) return { tone: "bad", shape: "triangle", text: status };
  return { tone: "ok", shape: "tick", text: status };
}
