/** Short messages, with an undo for ten seconds where there is one. */
import { Store } from "./store";

export const UNDO_MS = 10_000;
const PLAIN_MS = 5_000;

export interface Toast {
  id: number;
  tone: "plain" | "bad";
  text: string;
  undo?: () => void;
  /** Milliseconds that it still stays; counted down only while nobody looks at it. */
  left: number;
}

export const toasts = new Store<readonly Toast[]>([]);
const MOST = 4;
let last = 0;

export function toast(text: string, options: { tone?: Toast["tone"]; undo?: () => void } = {}): number {
  last += 1;
  const { tone = "plain", undo } = options;
  const left = undo !== undefined || tone === "bad" ? UNDO_MS : PLAIN_MS;
  const added: Toast = { id: last, tone, text, left, ...(undo === undefined ? {} : { undo }) };
  toasts.update((list) => [...list, added].slice(-MOST));
  return last;
}

export function dismiss(id: number): void {
  toasts.update((list) => list.filter((each) => each.id !== id));
}

/** Takes back what was done last and can still be taken back. */
export function undoLast(): boolean {
  const found = toasts.read().findLast((each) => each.undo !== undefined);
  if (found === undefined) return false;
  dismiss(found.id);
  found.undo?.();
  return true;
}
