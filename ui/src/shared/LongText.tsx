import { useMemo, useState } from "react";
import { t } from "@/text";
import { Button } from "./Button";
import { bytes } from "./format";
import { Markdown } from "./Markdown";
import { firstOf, visible } from "./text";

const FEW_CHARACTERS = 2_000;
const FEW_LINES = 30;

/**
 * A text of any length that somebody wrote. A long one is folded to its beginning. Unfolded, it scrolls by itself; so
 * it never takes more room, elements or time than a screen has.
 */
export function LongText({ text, markdown }: { text: string; markdown: boolean }) {
  const [unfolded, setUnfolded] = useState(false);
  const beginning = useMemo(() => beginningOf(text), [text]);
  const isFolded = beginning !== text && !unfolded;
  const shown = useMemo(() => visible(isFolded ? beginning : text), [isFolded, beginning, text]);
  return (
    <>
      <div
        className={`overflow-auto wrap-anywhere ${unfolded ? "max-h-[60vh]" : "max-h-[60rem]"}`}
        dir="auto"
        {...(unfolded && { tabIndex: 0, role: "region", "aria-label": t.app.wholeText })}
      >
        {markdown ? <Markdown text={shown} /> : <p className="whitespace-pre-wrap">{shown}</p>}
      </div>
      {beginning !== text && (
        <Button
          small
          className="mt-1.5 h-auto max-w-full py-0.5 whitespace-normal"
          aria-expanded={unfolded}
          onClick={() => setUnfolded(!unfolded)}
        >
          {unfolded ? t.app.showLess : t.app.showAll(bytes(new TextEncoder().encode(text).length))}
        </Button>
      )}
    </>
  );
}

/** The text itself where it is short; else as much of it as can stand among others. */
function beginningOf(text: string): string {
  const lines = text.split("\n", FEW_LINES + 1);
  const few = lines.length > FEW_LINES ? `${lines.slice(0, FEW_LINES).join("\n")}…` : text;
  return firstOf(few, FEW_CHARACTERS);
}
