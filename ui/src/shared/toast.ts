/** Short messages, with an undo for ten seconds where there is one. */
import { t } from "@/text";
import { Store } from "./store";

export const UNDO_MS = 10_000;
const PLAIN_MS = 5_000;

export interface Toast {
  id: number;
  tone: "plain" | "bad";
  text: string;
  undo?: () => void;
  /** Done once it can no longer be undone. */
  settle?: () => void;
  /** Milliseconds that it still stays; counted down only while nobody looks at it. */
  left: number;
}

export const toasts = new Store<readonly Toast[]>([]);
const MOST = 4;
let last = 0;
/** Why what was done last cannot be taken back, and what had been said until then; null where nothing was done. */
let beyondUndo: { after: number; why: string } | null = null;

/** `final`: something was done, and why that cannot be taken back. */
export function toast(
  text: string,
  options: Partial<Pick<Toast, "tone" | "undo" | "settle">> & { final?: string } = {},
): number {
  last += 1;
  const { tone = "plain", undo, settle, final } = options;
  if (final !== undefined) beyondUndo = { after: last, why: `${text} ${final}` };
  const left = undo !== undefined || tone === "bad" ? UNDO_MS : PLAIN_MS;
  const added: Toast = { id: last, tone, text, left, ...(undo && { undo }), ...(settle && { settle }) };
  const [first, ...rest] = toasts.read();
  if (first !== undefined && rest.length + 1 >= MOST) dismiss(first.id);
  toasts.update((list) => [...list, added]);
  return last;
}

export function dismiss(id: number): void {
  const found = remove(id);
  if (found?.undo !== undefined && id > (beyondUndo?.after ?? 0))
    beyondUndo = { after: id, why: `${found.text} ${t.app.undoLapsed}` };
  found?.settle?.();
}

export function undo(id: number): void {
  remove(id)?.undo?.();
}

function remove(id: number): Toast | undefined {
  const found = toasts.read().find((each) => each.id === id);
  toasts.update((list) => list.filter((each) => each.id !== id));
  return found;
}

export function dismissAll(): void {
  for (const { id } of toasts.read()) dismiss(id);
}

/** What was done at this node is over, and what waits only for its undo to lapse is done now. */
export function concludeAll(): void {
  dismissAll();
  beyondUndo = null;
}

/** Another node is there: what was said is of the one before, and nothing of it can be undone or done any more. */
export function forgetAll(): void {
  toasts.set([]);
  beyondUndo = null;
}

// What waits only for its undo to lapse is not lost with the page.
window.addEventListener("pagehide", dismissAll);

/** Takes back what was done last, or says why that cannot be. */
export function undoLast(): boolean {
  const found = toasts.read().findLast((each) => each.undo !== undefined);
  if (found !== undefined && found.id > (beyondUndo?.after ?? 0)) {
    undo(found.id);
    return true;
  }
  const why = beyondUndo?.why ?? t.app.nothingToUndo;
  // Said again, it stands there once.
  for (const { id } of toasts.read().filter((each) => each.text === why)) remove(id);
  toast(why);
  return false;
}
