import { CircleAlert, X } from "lucide-react";
import { useEffect, useState } from "react";
import { t } from "@/text";
import { Button, IconButton, Kbd } from "./Button";
import { cx } from "./class";
import { useStore } from "./store";
import { dismiss, type Toast, toasts, UNDO_MS, undo } from "./toast";

/** Messages in the corner. Time stands still while one is pointed at or focused. */
export function Toasts() {
  const list = useStore(toasts);
  const [held, setHeld] = useState(false);
  const none = list.length === 0;
  // What goes from under the pointer is not left by it.
  useEffect(() => {
    if (none) setHeld(false);
  }, [none]);
  return (
    <section
      aria-label={t.app.notifications}
      aria-live="polite"
      className={cx(
        "pointer-events-none fixed right-4 bottom-14 in-[:has([data-testid=composer])]:bottom-28 z-50 flex w-[24rem] max-w-[calc(100vw-1.5rem)] flex-col gap-2 max-sm:right-3 max-sm:bottom-28",
        held && "paused",
      )}
      onPointerEnter={() => setHeld(true)}
      onPointerLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
    >
      {list.map((each) => (
        <Message key={each.id} toast={each} held={held && list.length > 0} />
      ))}
    </section>
  );
}

function Message({ toast, held }: { toast: Toast; held: boolean }) {
  const [left, setLeft] = useState(toast.left);
  useEffect(() => {
    if (held) return;
    const timer = window.setInterval(() => setLeft((before) => before - 250), 250);
    return () => window.clearInterval(timer);
  }, [held]);
  useEffect(() => {
    if (left <= 0) dismiss(toast.id);
  }, [left, toast.id]);
  return (
    <div
      data-testid="toast"
      className="appear pointer-events-auto relative overflow-hidden rounded-lg border border-line-strong bg-surface shadow-pop"
    >
      <div className="flex items-center gap-2 py-1.5 pr-1.5 pl-3">
        {toast.tone === "bad" && <CircleAlert className="size-4 shrink-0 text-bad" aria-hidden="true" />}
        <p className={cx("min-w-0 flex-1 wrap-anywhere", toast.tone === "bad" && "text-bad")}>{toast.text}</p>
        {toast.undo !== undefined && (
          <Button small onClick={() => undo(toast.id)}>
            {t.app.undo}
            <span aria-hidden="true" className="inline-block min-w-7 text-right font-normal text-muted">
              {t.app.secondsLeft(Math.ceil(left / 1_000))}
            </span>
            <Kbd keys="z" />
          </Button>
        )}
        <IconButton label={t.app.dismiss} className="size-6" onClick={() => dismiss(toast.id)}>
          <X className="size-3.5" />
        </IconButton>
      </div>
      {toast.undo !== undefined && toast.left === UNDO_MS && (
        <div className="countdown absolute inset-x-0 bottom-0 h-0.5 bg-accent" aria-hidden="true" />
      )}
    </div>
  );
}
