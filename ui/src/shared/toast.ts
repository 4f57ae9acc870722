/** Short messages, with an undo for ten seconds where there is one. */
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

export function toast(text: string, options: Partial<Pick<Toast, "tone" | "undo" | "settle">> = {}): number {
  last += 1;
  const { tone = "plain", undo, settle } = options;
  const left = undo !== undefined || tone === "bad" ? UNDO_MS : PLAIN_MS;
  const added: Toast = { id: last, tone, text, left, ...(undo && { undo }), ...(settle && { settle }) };
  const [first, ...rest] = toasts.read();
  if (first !== undefined && rest.length + 1 >= MOST) dismiss(first.id);
  toasts.update((list) => [...list, added]);
  return last;
}

export function dismiss(id: number): void {
  remove(id)?.settle?.();
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

// What waits only for its undo to lapse is not lost with the page.
window.addEventListener("pagehide", dismissAll);

/** Takes back what was done last and can still be taken back. */
export function undoLast(): boolean {
  const found = toasts.read().findLast((each) => each.undo !== undefined);
  if (found === undefined) return false;
  undo(found.id);
  return true;
}
