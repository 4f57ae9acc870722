/** The headings of a text in Markdown. */
import { headingId } from "@/domain/guide/parts";

export interface Heading {
  id: string;
  title: string;
  /** What it has below it. */
  parts: readonly Heading[];
}

const FENCE = /^\s*```/;
const HEADING = /^(##|###) (.+)$/;

/** The headings of the second level, each with those of the third below it. What stands in a block of code is none. */
export function contents(text: string): Heading[] {
  const found: (Heading & { parts: Heading[] })[] = [];
  let isCode = false;
  for (const line of text.split("\n")) {
    if (FENCE.test(line)) isCode = !isCode;
    const [, level, title] = (!isCode && HEADING.exec(line)) || [];
    if (title === undefined) continue;
    const heading = { id: headingId(title), title, parts: [] };
    if (level === "##") found.push(heading);
    else found.at(-1)?.parts.push(heading);
  }
  return found;
}
