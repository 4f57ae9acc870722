/**
 * Dialogs. The overlay is our own: Radix's would write a style element for its scroll lock, which the
 * content security policy forbids and this frame, which never scrolls as a whole, does not need.
 */
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import { type ReactNode, useState } from "react";
import { t } from "@/text";
import { Button, IconButton } from "./Button";
import { cx } from "./class";
import { Fault } from "./layout";

export function Dialog({
  open,
  onClose,
  title,
  text,
  children,
  wide,
  full,
  bare,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  text?: ReactNode;
  children: ReactNode;
  wide?: boolean;
  /** As large as there is room; what is in it scrolls by itself. */
  full?: boolean;
  /** Without a visible heading; the title is read out. */
  bare?: boolean;
}) {
  return (
    <Radix.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Radix.Portal>
        <div className="fixed inset-0 z-30 bg-[rgb(0_0_0/0.35)]" aria-hidden="true" />
        <Radix.Content
          data-modal=""
          onOpenAutoFocus={(event) => {
            // The first thing to fill in or to answer, rather than the cross in the corner.
            const content = event.currentTarget as HTMLElement;
            const first = content.querySelector<HTMLElement>("input, select, [data-first]") ?? content;
            event.preventDefault();
            first.focus();
          }}
          {...(text === undefined ? { "aria-describedby": undefined } : {})}
          className={cx(
            "appear fixed left-1/2 z-40 flex w-[calc(100vw-1.5rem)] -translate-x-1/2 flex-col overflow-hidden rounded-lg border border-line-strong bg-surface shadow-pop outline-none max-sm:top-3 max-sm:max-h-[calc(100dvh-1.5rem)]",
            full ? "top-[6vh] h-[88vh] max-w-[64rem]" : "top-[12vh] max-h-[80vh]",
            !full && (wide ? "max-w-[40rem]" : "max-w-[28rem]"),
          )}
        >
          {bare ? (
            <Radix.Title className="sr-only">{title}</Radix.Title>
          ) : (
            <header className="flex items-start gap-2 px-4 pt-3">
              <Radix.Title className="mr-auto pt-0.5 text-lg font-semibold">{title}</Radix.Title>
              <Radix.Close asChild>
                <IconButton label={t.app.close}>
                  <X className="size-4" />
                </IconButton>
              </Radix.Close>
            </header>
          )}
          <div
            className={cx(
              "min-h-0",
              bare ? "flex flex-col" : "px-4 pt-1 pb-4",
              full && "flex flex-1 flex-col",
              !bare && !full && "overflow-y-auto",
            )}
          >
            {text !== undefined && <Radix.Description className="mb-3 text-muted">{text}</Radix.Description>}
            {children}
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function DialogButtons({ children }: { children: ReactNode }) {
  return <div className="mt-4 flex flex-wrap justify-end gap-2">{children}</div>;
}

/** Asks before something is lost, and names what. */
export function Confirm({
  open,
  onClose,
  title,
  text,
  action,
  danger,
  children,
  run,
}: {
  open: boolean;
  onClose: () => void;
  title: string;
  text: string;
  action: string;
  danger?: boolean;
  children?: ReactNode;
  /** Resolves with the sentence that says why not, or with null. */
  run: () => Promise<string | null>;
}) {
  const [busy, setBusy] = useState(false);
  const [fault, setFault] = useState<string | null>(null);
  return (
    <Dialog open={open} onClose={onClose} title={title} text={text}>
      {children}
      {fault !== null && <Fault>{fault}</Fault>}
      <DialogButtons>
        <Button data-first="" onClick={onClose}>
          {t.app.cancel}
        </Button>
        <Button
          look={danger ? "danger" : "primary"}
          disabled={busy}
          onClick={async () => {
            setBusy(true);
            const refused = await run();
            setBusy(false);
            setFault(refused);
            if (refused === null) onClose();
          }}
        >
          {action}
        </Button>
      </DialogButtons>
    </Dialog>
  );
}
