/** The node's clock as this page knows it, and one ticker for everything that shows time passing. */
import { useSyncExternalStore } from "react";

let offset = 0;

/** Sets this page's idea of the time by the node's, whose times are shown. */
export function setClock(nodeTime: string): void {
  offset = Date.parse(nodeTime) - Date.now();
}

export function now(): number {
  return Date.now() + offset;
}

const listeners = new Set<() => void>();
let timer = 0;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (listeners.size === 1) {
    timer = window.setInterval(() => {
      for (const each of listeners) each();
    }, 1_000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.clearInterval(timer);
  };
}

/** The node's time in whole seconds (as milliseconds); renders again each second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => Math.floor(now() / 1_000) * 1_000);
}
