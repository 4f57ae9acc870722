import { Tooltip } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "./class";

type Look = "plain" | "primary" | "soft" | "quiet" | "danger" | "wary";

const looks: Record<Look, string> = {
  plain: "border-line-strong bg-surface hover:bg-hover active:bg-sunken",
  primary: "border-transparent bg-accent-fill text-accent-ink hover:bg-accent-fill-hover",
  /** The first choice where there are many rows of it. */
  soft: "border-accent/30 bg-accent-soft text-accent hover:border-accent",
  quiet: "border-transparent text-muted hover:bg-hover hover:text-ink active:bg-sunken",
  /** Shows its danger only when it is about to be pressed. */
  wary: "border-line-strong bg-surface hover:border-bad hover:bg-bad-soft hover:text-bad",
  danger: "border-line-strong bg-surface text-bad hover:bg-bad-soft hover:border-bad",
};

interface Appearance {
  look?: Look | undefined;
  small?: boolean | undefined;
  className?: string | undefined;
}

/** What a button looks like: also for a link that stands among buttons. */
export function buttonClass({ look = "plain", small, className }: Appearance): string {
  return cx(
    "inline-flex shrink-0 select-none items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap",
    "disabled:opacity-50 aria-disabled:opacity-50",
    small ? "h-6 px-2 text-sm" : "h-7 px-2.5",
    looks[look],
    className,
  );
}

export interface ButtonProps extends ComponentProps<"button"> {
  look?: Look;
  icon?: ReactNode;
  small?: boolean;
  "data-testid"?: string;
  /** Has the focus when its dialog opens. */
  "data-first"?: string;
}

export function Button({ look, icon, small, className, children, type = "button", ...rest }: ButtonProps) {
  return (
    <button type={type} className={buttonClass({ look, small, className })} {...rest}>
      {icon}
      {children}
    </button>
  );
}

/** A button that shows only a sign; its name is read out, and shown when pointed at or focused. */
export function IconButton({
  label,
  keys,
  children,
  look = "quiet",
  className,
  ...rest
}: ButtonProps & { label: string; keys?: string }) {
  return (
    <Tip text={label} {...(keys === undefined ? {} : { keys })}>
      <button
        type="button"
        aria-label={label}
        className={cx(
          "inline-flex size-7 shrink-0 items-center justify-center rounded-md border disabled:opacity-50",
          looks[look],
          className,
        )}
        {...rest}
      >
        {children}
      </button>
    </Tip>
  );
}

export function Tip({ text, keys, children }: { text: string; keys?: string; children: ReactNode }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          sideOffset={5}
          collisionPadding={8}
          className="z-50 max-w-80 whitespace-pre-line rounded-md border border-line bg-surface px-2 py-1 text-sm text-ink shadow-pop"
        >
          {text}
          {keys !== undefined && <Kbd keys={keys} className="ml-2" />}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}

export function Kbd({ keys, className }: { keys: string; className?: string }) {
  return (
    <kbd
      className={cx(
        "inline-flex h-[1.125rem] min-w-[1.125rem] items-center justify-center rounded-sm border border-line-strong px-1 font-sans text-xs text-muted",
        className,
      )}
    >
      {keys}
    </kbd>
  );
}
