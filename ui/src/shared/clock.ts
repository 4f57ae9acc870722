/** The node's clock as these pages know it, and one ticker for everything that shows time passing. */
import { useSyncExternalStore } from "react";

/** The node's time as it was heard last, and when that was by the page's own steady clock. */
let heard = { node: Date.now(), at: performance.now() };
/** The latest time that was shown. */
let shown = 0;

/** A correction back by more than this is no late answer: the node's clock was set, or another node is shown. */
const SET_BACK_MS = 60_000;

/** Takes the node's time out of an answer; called when that comes in, since it ages from then on. */
export function setClock(nodeTime: string): void {
  heard = { node: Date.parse(nodeTime), at: performance.now() };
}

/**
 * The node's time, in epoch milliseconds. It never steps back, though an answer may come late: it stands still until
 * it is right. This computer's own clock, which may be set meanwhile, has no part in it.
 */
export function now(): number {
  const time = heard.node + performance.now() - heard.at;
  shown = shown - time > SET_BACK_MS ? time : Math.max(shown, time);
  return shown;
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
