/** The frame of a screen, and the parts that every screen is laid out with. */
import { CircleAlert } from "lucide-react";
import {
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from "react";
import { t } from "@/text";
import { Button } from "./Button";
import { cx } from "./class";
import { useLasting, useWide } from "./hooks";

const ScrollContext = createContext<HTMLElement | null>(null);
/** What scrolls around this component; null until it is there. */
export const useScroller = () => useContext(ScrollContext);

export function Screen({
  title,
  actions,
  aside,
  children,
  fill,
}: {
  title: string;
  actions?: ReactNode;
  /** Beside the content where there is room, over it where there is not. */
  aside?: ReactNode;
  children: ReactNode;
  /** The content scrolls by itself. */
  fill?: boolean;
}) {
  // A state, not a ref: what is inside comes to be before it, and must learn of it.
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  const isCovered = !useWide() && Boolean(aside);
  return (
    <div className="flex min-h-0 flex-1">
      <div className="flex min-w-0 flex-1 flex-col" inert={isCovered}>
        <header className="flex min-h-12 flex-wrap items-center gap-x-3 gap-y-1 border-b border-line bg-surface px-5 py-1.5 max-sm:px-3">
          <h1 className="mr-auto text-lg font-semibold" id="screen-title" tabIndex={-1}>
            {title}
          </h1>
          {actions}
        </header>
        <ScrollContext.Provider value={scroller}>
          {fill ? (
            <div className="flex min-h-0 flex-1 flex-col">{children}</div>
          ) : (
            <div
              ref={setScroller}
              className="relative min-h-0 flex-1 overflow-y-auto"
              tabIndex={0}
              role="region"
              aria-label={title}
              data-holds-content=""
            >
              <div className="mx-auto max-w-[76rem] px-5 py-4 max-sm:px-3">{children}</div>
            </div>
          )}
        </ScrollContext.Provider>
      </div>
      {aside}
    </div>
  );
}

/** A part of a screen that scrolls by itself, for a screen that does not scroll as a whole. */
export function Scrolling({ label, children }: { label: string; children: ReactNode }) {
  const [scroller, setScroller] = useState<HTMLElement | null>(null);
  return (
    <ScrollContext.Provider value={scroller}>
      <div
        ref={setScroller}
        className="relative min-h-0 flex-1 overflow-y-auto"
        tabIndex={0}
        role="region"
        aria-label={label}
        data-holds-content=""
      >
        {children}
      </div>
    </ScrollContext.Provider>
  );
}

/** A titled part of a screen, with a border around it. */
export function Panel({
  title,
  hint,
  lead,
  actions,
  children,
  flush,
  className,
  testId,
}: {
  title: string;
  hint?: string | undefined;
  /** Before the title. */
  lead?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** The content reaches the border. */
  flush?: boolean;
  className?: string;
  testId?: string;
}) {
  const id = useId();
  return (
    <section
      aria-labelledby={id}
      data-testid={testId}
      className={cx("min-w-0 rounded-lg border border-line bg-surface", className)}
    >
      <div className="flex min-h-9 flex-wrap items-center gap-2 border-b border-line px-3 py-1">
        {lead}
        <div className="min-w-0 flex-[1_1_8rem]">
          <h2 id={id} tabIndex={-1} className="w-fit max-w-full font-semibold" title={hint}>
            {title}
          </h2>
        </div>
        {actions}
      </div>
      <div className={flush ? "" : "p-3"}>{children}</div>
    </section>
  );
}

/** What would be here, and what brings it. */
export function Empty({
  children,
  icon,
  action,
}: {
  children: ReactNode;
  icon?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-8 text-center text-muted">
      {icon}
      <p className="max-w-[30rem] text-balance">{children}</p>
      {action}
    </div>
  );
}

/** The node refused, or could not be asked. */
export function Fault({ children, onRetry }: { children: ReactNode; onRetry?: () => void }) {
  return (
    <div
      role="alert"
      className="flex items-start gap-2 rounded-md border border-bad/40 bg-bad-soft px-3 py-2 text-bad"
    >
      <CircleAlert className="mt-0.5 size-4 shrink-0" aria-hidden="true" />
      <p className="min-w-0 flex-1 wrap-anywhere">{children}</p>
      {onRetry && (
        <Button small onClick={onRetry}>
          {t.app.retry}
        </Button>
      )}
    </div>
  );
}

/** Only where reading takes so long that an empty place would puzzle. */
export function Loading() {
  const slow = useLasting(true, 400);
  return <p className="px-3 py-6 text-center text-muted">{slow ? t.app.loading : "\u00a0"}</p>;
}

export function Count({ n, label, accent }: { n: number; label?: string | undefined; accent?: boolean }) {
  return (
    <span
      title={label}
      className={cx(
        "inline-flex h-[1.125rem] min-w-[1.125rem] items-center justify-center rounded-full px-1.5 text-xs font-semibold",
        accent ? "bg-accent-fill text-accent-ink" : "bg-sunken text-muted",
      )}
    >
      {n.toLocaleString("en")}
    </span>
  );
}

const widths = { narrow: "w-72", usual: "w-[26rem]", wide: "w-[32rem] max-w-full" };

/**
 * The details of what was opened. Where there is room they stand beside the list. Otherwise they are a drawer over it:
 * the list is dimmed and cannot be used until the drawer is closed, by its button, by Escape or by a click beside it.
 */
export function Inspector({
  title,
  label,
  onClose,
  actions,
  width = "usual",
  children,
}: {
  title: ReactNode;
  label: string;
  onClose: () => void;
  actions?: ReactNode;
  width?: keyof typeof widths;
  children: ReactNode;
}) {
  const panel = useRef<HTMLElement>(null);
  const heading = useId();
  const close = useRef(onClose);
  close.current = onClose;
  // An opener under a drawer loses the focus as soon as the list cannot be used, and can take it back only afterwards.
  const opener = useRef<Element>(null);
  useLayoutEffect(() => {
    opener.current = document.activeElement;
    panel.current?.focus({ preventScroll: true });
  }, []);
  useEffect(
    () => () => {
      if (opener.current instanceof HTMLElement && opener.current.isConnected)
        opener.current.focus({ preventScroll: true });
    },
    [],
  );
  return (
    <>
      <button
        type="button"
        aria-hidden="true"
        tabIndex={-1}
        data-testid="beside-drawer"
        className="absolute inset-0 z-20 hidden bg-[rgb(0_0_0/0.35)] max-[68rem]:block"
        onClick={onClose}
      />
      <aside
        ref={panel}
        tabIndex={-1}
        aria-labelledby={heading}
        aria-label={label}
        className={cx(
          "flex shrink-0 flex-col border-l border-line bg-surface outline-none max-[68rem]:absolute max-[68rem]:inset-y-0 max-[68rem]:right-0 max-[68rem]:z-20 max-[68rem]:shadow-pop max-sm:w-full",
          widths[width],
        )}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || event.defaultPrevented) return;
          event.stopPropagation();
          close.current();
        }}
      >
        <header className="flex min-h-12 items-center gap-1 border-b border-line py-1.5 pr-2 pl-4">
          <h2 id={heading} className="mr-auto min-w-0 text-lg font-semibold wrap-anywhere">
            {title}
          </h2>
          {actions}
          <CloseButton onClose={onClose} />
        </header>
        <div
          className="relative min-h-0 flex-1 overflow-y-auto py-3 pr-7 pl-4"
          tabIndex={0}
          role="region"
          aria-label={label}
          data-holds-content=""
        >
          {children}
        </div>
      </aside>
    </>
  );
}

export function InspectorPart({
  title,
  actions,
  children,
}: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="border-b border-line py-3 first:pt-0 last:border-b-0" aria-label={title}>
      <div className="mb-1.5 flex items-center gap-2">
        <h3 className="mr-auto text-sm font-semibold text-muted">{title}</h3>
        {actions}
      </div>
      {children}
    </section>
  );
}

import { X } from "lucide-react";
import { IconButton } from "./Button";

function CloseButton({ onClose }: { onClose: () => void }) {
  return (
    <IconButton label={t.app.close} keys="Esc" onClick={onClose}>
      <X className="size-4" />
    </IconButton>
  );
}
