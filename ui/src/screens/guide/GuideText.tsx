/** The operator's guide as it is read: Markdown of our own. Raw HTML in it is shown as it was written. */
import { Link } from "@tanstack/react-router";
import MarkdownToJsx from "markdown-to-jsx/react";
import { Children, Fragment, isValidElement, memo, type ReactNode } from "react";
import { headingId } from "@/domain/guide/parts";
import { CopyButton } from "@/shared/values";
import { leadsOut, WebLink } from "@/shared/WebLink";
import { t } from "@/text";
import { reveal } from "./reveal";

/** The text that stands in what is shown. */
function textOf(node: ReactNode): string {
  return Children.toArray(node)
    .map((part) => {
      if (isValidElement<{ children?: ReactNode }>(part)) return textOf(part.props.children);
      return typeof part === "string" || typeof part === "number" ? String(part) : "";
    })
    .join("");
}

/** Within the guide, to the web, or to a file beside the guide that is not in these pages: that one is named. */
function Anchor({ href = "", children }: { href?: string; children?: ReactNode }) {
  if (leadsOut(href)) return <WebLink href={href}>{children}</WebLink>;
  if (href.startsWith("#")) {
    const id = href.slice(1);
    return (
      <Link
        to="/guide"
        hash={id}
        className="text-accent underline underline-offset-2"
        onClick={() => reveal(id)}
      >
        {children}
      </Link>
    );
  }
  const file = `docs/${href.split("#")[0]}`;
  return (
    <>
      {children}
      {textOf(children) !== file && <span className="text-muted"> {t.guide.elsewhere(file)}</span>}
    </>
  );
}

function Code({ children }: { children?: ReactNode }) {
  return (
    <div className="relative">
      <pre tabIndex={0} role="group" aria-label={t.guide.code}>
        {children}
      </pre>
      <span className="absolute top-1 right-1 rounded-md bg-sunken">
        <CopyButton always value={textOf(children)} what={t.guide.copyCode} />
      </span>
    </div>
  );
}

function Table({ children }: { children?: ReactNode }) {
  return (
    <div className="overflow-x-auto" tabIndex={0} role="group" aria-label={t.guide.table}>
      <table>{children}</table>
    </div>
  );
}

function heading(Tag: "h2" | "h3") {
  return ({ id, children }: { id?: string; children?: ReactNode }) => (
    <Tag id={id} tabIndex={-1}>
      {children}
    </Tag>
  );
}

const overrides = { a: Anchor, pre: Code, table: Table, h2: heading("h2"), h3: heading("h3") };

export const GuideText = memo(function GuideText({ text }: { text: string }) {
  return (
    <div className="guide">
      <MarkdownToJsx
        options={{
          overrides,
          disableParsingRawHTML: true,
          disableFrontmatter: true,
          forceBlock: true,
          wrapper: Fragment,
          slugify: headingId,
        }}
      >
        {text}
      </MarkdownToJsx>
    </div>
  );
});
