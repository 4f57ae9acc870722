/** Which part of the operator's guide (docs/operators.md) tells more of what is wrong, and how its parts are named in addresses. */
import type { Stage } from "@/bindings/Stage";
import { t } from "@/text";

const byCode: ReadonlyMap<string, string> = new Map(
  Object.entries(t.guideParts).flatMap(([part, codes]) => codes.map((code) => [code, part])),
);

/** The heading of the part. A code that no part names is told of by the part for its stage, where it has one. */
export function guidePart({ code, stage }: { code: string | null; stage: Stage | null }): string | undefined {
  return byCode.get(code ?? "") ?? (stage === null ? undefined : t.guideStages[stage]);
}

/** The name of a heading in addresses, as those make it that show Markdown: a link within the text holds in both places. */
export function headingId(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .replace(/\s/g, "-");
}
