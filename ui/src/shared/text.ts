/**
 * Text that others wrote, made fit to be shown: it cannot pass for another text, show nothing at all, or take more
 * room and time than it is worth.
 */

/** Controls, and what has the text after it run the other way: nobody needs them to write to people. */
const MISLEADING = /(?![\n\t])\p{Cc}|[\u202A-\u202E]/gu;
/** Everything that is not seen, but for joiners, which some scripts and signs need. A flag may be spelt with such. */
const UNSEEN =
  /(\u{1F3F4}[\u{E0020}-\u{E007E}]+\u{E007F})|(?![\u0600-\u0605\u06DD\u200C\u200D])[\p{Cc}\p{Cf}\u2028\u2029]/gu;
/** Marks on one letter beyond those that any script needs: they pile up over other lines, and cost seconds to draw. */
const PILED_MARKS = /(\p{M}{6})\p{M}+/gu;
/** What has no ink: spaces, controls, marks on nothing, and the letters that are drawn as nothing. */
const NO_INK = /[\s\p{C}\p{Z}\p{M}\u115F\u1160\u2800\u3164\uFFA0]/gu;
const RIGHT_TO_LEFT = /[\u0590-\u08FF\uFB1D-\uFDFF\uFE70-\uFEFC\u{10800}-\u{10FFF}\u{1E800}-\u{1EFFF}]/u;
const NAME_MOST = 256;

/** A text with what misleads in it named, as in `[U+202E]`, and without piled-up marks. */
export function visible(text: string): string {
  return text.replace(PILED_MARKS, "$1").replace(MISLEADING, (found) => `[${codePoint(found)}]`);
}

function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}

/** Whether nothing would be seen of it. */
export function isBlank(text: string): boolean {
  return text.replace(NO_INK, "") === "";
}

/**
 * A name that others gave, for a sentence: on one line, visible, and unable to turn the words around it about. Empty
 * where nothing of it would be seen, so that something else can stand in its place.
 */
export function nameText(name: string): string {
  if (isBlank(name)) return "";
  const line = firstOf(name, NAME_MOST)
    .replace(/\s+/g, " ")
    .trim()
    .replace(PILED_MARKS, "$1")
    .replace(UNSEEN, (found: string, flag: string | undefined) => flag ?? `[${codePoint(found)}]`);
  return RIGHT_TO_LEFT.test(line) ? `\u2068${line}\u2069` : line;
}

/** One line of a longer text, of at most `most` characters. */
export function lineText(text: string, most = 200): string {
  return visible(firstOf(text, most).replace(/\s+/g, " ").trim());
}

/** Its first characters, none of them cut in two, and a sign that there is more. */
export function firstOf(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
