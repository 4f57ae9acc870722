/**
 * Markdown of strangers. Nothing of it becomes HTML: the parser makes elements, raw HTML is shown as it was
 * written, pictures are named and never fetched, and links lead only to the web and to mail.
 */
import MarkdownToJsx from "markdown-to-jsx/react";
import { memo, type ReactNode } from "react";
import { t } from "@/text";
import { leadsOut, WebLink } from "./WebLink";

function Anchor({ href, children }: { href?: string; children?: ReactNode }) {
  if (href === undefined || !leadsOut(href)) return <span>{children}</span>;
  return <WebLink href={href}>{children}</WebLink>;
}

function Picture({ alt = "" }: { alt?: string }) {
  return <span className="text-muted">[{t.conversations.remoteImage(alt)}]</span>;
}

/** A heading within a message is a strong line, not a heading of the page. */
function Heading({ children }: { children?: ReactNode }) {
  return <p className="font-semibold">{children}</p>;
}

const task = ({ checked }: { checked?: boolean }) => <span>{checked ? "☑ " : "☐ "}</span>;
const overrides = {
  a: Anchor,
  img: Picture,
  input: task,
  ...Object.fromEntries(["h1", "h2", "h3", "h4", "h5", "h6"].map((tag) => [tag, Heading])),
};

/** What is longer is shown as it was written: reading it would make more elements than a page can hold. */
const MOST_CHARACTERS = 4_000;
/** A line that begins with so many quotations, points or indents within each other leaves no room for words. */
const TOO_DEEP =
  /^(?=.*[^\s\-*=_])(?:[ \t]*(?:>|[-*+](?=[ \t])|\d+[.)](?=[ \t]))){7}|^[ \t]{24}[ \t]*(?:[-*+>]|\d+[.)])/m;

export const Markdown = memo(function Markdown({ text }: { text: string }) {
  if (text.length > MOST_CHARACTERS || TOO_DEEP.test(text))
    return <p className="whitespace-pre-wrap">{text}</p>;
  return (
    <div className="markdown">
      <MarkdownToJsx
        options={{
          overrides,
          disableParsingRawHTML: true,
          disableFrontmatter: true,
          forceBlock: true,
          sanitizer: (value) => (leadsOut(value) ? value : null),
          slugify: () => "",
        }}
      >
        {text}
      </MarkdownToJsx>
    </div>
  );
});
