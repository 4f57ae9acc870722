/** A state: a colour, a shape and a word, so that no one of them has to be understood alone. */
import type { ReactNode } from "react";
import { cx } from "./class";

export type Tone = "ok" | "warn" | "bad" | "wait" | "muted";
export type Shape =
  | "disc"
  | "ring"
  | "half"
  | "triangle"
  | "bars"
  | "square"
  | "diamond"
  | "cross"
  | "tick"
  | "dash";

const tones: Record<Tone, string> = {
  ok: "text-ok",
  warn: "text-warn",
  bad: "text-bad",
  wait: "text-accent",
  muted: "text-muted",
};

const shapes: Record<Shape, ReactNode> = {
  disc: <circle cx="6" cy="6" r="4" fill="currentColor" />,
  ring: <circle cx="6" cy="6" r="3.5" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  half: (
    <>
      <circle cx="6" cy="6" r="3.75" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M6 3.5A2.5 2.5 0 0 1 6 8.5z" fill="currentColor" stroke="currentColor" />
    </>
  ),
  triangle: <path d="M6 1.6 11 10.4H1z" fill="currentColor" />,
  bars: <path d="M3 2h2v8H3zM7 2h2v8H7z" fill="currentColor" />,
  square: <rect x="2" y="2" width="8" height="8" rx="0.5" fill="currentColor" />,
  diamond: <path d="M6 1 11 6 6 11 1 6z" fill="currentColor" />,
  cross: <path d="m2.5 2.5 7 7m0-7-7 7" stroke="currentColor" strokeWidth="2" />,
  tick: <path d="m2 6.5 2.8 2.7L10 3.2" fill="none" stroke="currentColor" strokeWidth="2" />,
  dash: <path d="M2.5 6h7" stroke="currentColor" strokeWidth="2" />,
};

export function Mark({ tone, shape, className }: { tone: Tone; shape: Shape; className?: string }) {
  return (
    <svg
      viewBox="0 0 12 12"
      aria-hidden="true"
      focusable="false"
      className={cx("size-3 shrink-0", tones[tone], className)}
    >
      {shapes[shape]}
    </svg>
  );
}

export function StateWord({
  tone,
  shape,
  children,
  title,
  className,
}: {
  tone: Tone;
  shape: Shape;
  children: ReactNode;
  title?: string | undefined;
  className?: string;
}) {
  return (
    <span title={title} className={cx("inline-flex items-center gap-1.5", className)}>
      <Mark tone={tone} shape={shape} />
      <span className={cx("font-medium", tone === "muted" ? "text-muted" : tones[tone])}>{children}</span>
    </span>
  );
}
