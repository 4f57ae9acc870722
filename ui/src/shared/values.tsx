/** Values as they are shown everywhere: times, sizes, identifiers. */
import { Check, Copy } from "lucide-react";
import { Fragment, type ReactNode, useEffect, useState } from "react";
import { t } from "@/text";
import { IconButton } from "./Button";
import { cx } from "./class";
import { useNow } from "./clock";
import { ago, bytes, coarseSpan, duration, exact, span, until } from "./format";
import { copyText } from "./hooks";

/** How long ago; the exact time is its title. */
export function Ago({ at, className }: { at: string; className?: string }) {
  const now = useNow();
  return (
    <time dateTime={at} title={exact(at)} className={cx("whitespace-nowrap", className)}>
      {ago(Date.parse(at), now)}
    </time>
  );
}

/** How long until; the exact time is its title. */
export function Until({ at, className, due }: { at: string; className?: string; due?: string }) {
  const now = useNow();
  const text = until(Date.parse(at), now);
  return (
    <time dateTime={at} title={exact(at)} className={cx("whitespace-nowrap", className)}>
      {text === t.units.due && due !== undefined ? due : text}
    </time>
  );
}

/** How long it has been going on. */
export function Lasting({
  since,
  coarse,
  className,
}: {
  since: string;
  coarse?: boolean;
  className?: string;
}) {
  const now = useNow();
  const past = Math.max(0, now - Date.parse(since));
  return (
    <time dateTime={since} title={exact(since)} className={cx("whitespace-nowrap", className)}>
      {coarse ? coarseSpan(past) : span(past)}
    </time>
  );
}

export function Duration({ ms, title }: { ms: number | null; title?: string }) {
  return (
    <span className="whitespace-nowrap" title={title}>
      {ms === null ? t.units.unknown : duration(ms)}
    </span>
  );
}

export function Bytes({ n, title }: { n: number; title?: string }) {
  return (
    <span className="whitespace-nowrap" title={title ?? t.units.bytes(n.toLocaleString("en"), "B")}>
      {bytes(n)}
    </span>
  );
}

/** An identifier in full: it wraps, it is never cut, and it can be copied. */
export function Ident({
  value,
  what,
  mono,
  children,
  className,
}: {
  value: string;
  what: string;
  mono?: boolean;
  children?: ReactNode;
  className?: string;
}) {
  return (
    <span
      className={cx("group/id relative inline-block max-w-full max-sm:pr-7 pointer-coarse:pr-7", className)}
    >
      <span
        className={cx(
          "min-w-0 select-text",
          mono ? "font-mono text-[0.92em]" : "wrap-anywhere",
          // A key breaks where the line ends, and not before at a hyphen that is one of its letters.
          mono && (children === undefined && !isPairs(value) ? "break-all" : "wrap-anywhere"),
        )}
      >
        {children ?? (mono ? <Pairs text={value} /> : <Breakable text={value} />)}
      </span>
      <CopyButton value={value} what={what} />
    </span>
  );
}

/** A fingerprint in pairs of digits. */
function isPairs(text: string): boolean {
  return /^[\da-f]{2}(:[\da-f]{2})+$/i.test(text);
}

/** A fingerprint breaks between its pairs, so that it can be compared pair by pair; anything else is as it is. */
function Pairs({ text }: { text: string }) {
  return isPairs(text) ? <Broken parts={text.split(/(?<=:)/)} /> : text;
}

export function CopyButton({ value, what, always }: { value: string; what: string; always?: boolean }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = window.setTimeout(() => setCopied(false), 1_500);
    return () => window.clearTimeout(timer);
  }, [copied]);
  return (
    <IconButton
      label={copied ? t.app.copied : t.app.copy(what)}
      className={cx(
        "size-6",
        // Over what follows, so that nothing moves when it appears; while it is not seen, it takes no click either.
        !always &&
          "pointer-events-none absolute -top-0.5 left-full z-10 border-line bg-surface opacity-0 group-hover/id:pointer-events-auto group-hover/id:opacity-100 focus-visible:pointer-events-auto focus-visible:opacity-100 max-sm:right-0 max-sm:left-auto pointer-coarse:pointer-events-auto pointer-coarse:right-0 pointer-coarse:left-auto pointer-coarse:border-transparent pointer-coarse:bg-transparent pointer-coarse:opacity-100",
      )}
      onClick={(event) => {
        event.stopPropagation();
        void copyText(value).then(() => setCopied(true));
      }}
    >
      {copied ? <Check className="size-3.5 text-ok" /> : <Copy className="size-3.5" />}
    </IconButton>
  );
}

/** Name and value, one under the other, in two columns. */
export function Facts({ children, className }: { children: ReactNode; className?: string }) {
  return <dl className={cx("grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1", className)}>{children}</dl>;
}

export function Fact({
  name,
  hint,
  children,
}: {
  name: string;
  hint?: string | undefined;
  children: ReactNode;
}) {
  return (
    <>
      <dt className="py-0.5 text-muted" title={hint}>
        {name}
      </dt>
      <dd className="min-w-0 py-0.5 wrap-anywhere" title={hint}>
        {children}
      </dd>
    </>
  );
}

const TAIL = 8;

/** One line for an identifier: where it is too long its middle goes, since ports and last names tell apart too. */
export function MiddleElided({ text, title, after }: { text: string; title?: string; after?: ReactNode }) {
  return (
    <span className="flex min-w-0" title={title ?? text}>
      <span className="truncate">{text.slice(0, -TAIL)}</span>
      <span className="shrink-0 whitespace-pre">
        {text.slice(-TAIL)}
        {after}
      </span>
    </span>
  );
}

/** An identifier that breaks where its parts meet, rather than anywhere. */
export function Breakable({ text }: { text: string }) {
  return <Broken parts={text.split(/(?<=[./@])(?=[^./@])|(?=:\d)/)} />;
}

function Broken({ parts }: { parts: readonly string[] }) {
  return parts.map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: a part is its place.
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}
