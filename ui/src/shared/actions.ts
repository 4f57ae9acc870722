/**
 * What can be done right now. Screens declare their actions; the command palette lists them, the `?` page
 * shows their keys, and one listener runs them.
 */
import { useEffect, useRef } from "react";
import { singleKeys } from "./preference";
import { Store } from "./store";

export interface Action {
  id: string;
  title: string;
  /** Heading that it stands under, in the palette and among the shortcuts. */
  group: string;
  /** `j`, `Mod+k`, or a sequence such as `g a`. Several: any of them. */
  keys?: readonly string[];
  /** More words to find it by. */
  words?: string;
  /** Only a shortcut; of no use in the palette. */
  keyOnly?: boolean;
  run: () => void;
}

type Registered = readonly Action[];
const layers = new Map<symbol, Registered>();
export const actions = new Store<Registered>([]);

function publish(): void {
  actions.set([...layers.values()].flat());
}

/** Declares actions for as long as the component is there. */
export function useActions(list: readonly Action[]): void {
  const latest = useRef(list);
  latest.current = list;
  const signature = list.map((a) => `${a.id}\u0000${a.title}\u0000${a.keys?.join()}`).join("\u0001");
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is listed changes with the signature alone; what runs is always the latest.
  useEffect(() => {
    const layer = Symbol();
    layers.set(
      layer,
      latest.current.map((action, index) => ({
        ...action,
        run: () => (latest.current[index] ?? action).run(),
      })),
    );
    publish();
    return () => {
      layers.delete(layer);
      publish();
    };
  }, [signature]);
}

const SEQUENCE_MS = 1_200;
let pending = "";
let pendingSince = 0;

/** Runs the action whose keys were pressed; attached once to the window. */
export function handleKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const mod = event.ctrlKey || event.metaKey;
  const modal = document.querySelector('[role="dialog"][data-modal]') !== null;
  const letter = !mod && event.key.length === 1;
  if (!mod && (modal || event.altKey || typing(event.target))) return;
  if (letter && !singleKeys.read()) return;
  const key = mod ? `Mod+${event.key.toLowerCase()}` : event.key;
  const sequence = event.timeStamp - pendingSince < SEQUENCE_MS && pending !== "" ? `${pending} ${key}` : key;
  const all = [...actions.read()].reverse();
  const found = all.find((a) => a.keys?.includes(sequence)) ?? all.find((a) => a.keys?.includes(key));
  if (modal && found?.keys?.includes("Mod+k") !== true) return;
  pending = "";
  if (found !== undefined) {
    event.preventDefault();
    found.run();
  } else if (!mod && all.some((a) => a.keys?.some((k) => k.startsWith(`${key} `)))) {
    pending = key;
    pendingSince = event.timeStamp;
  }
}

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest('[role="menu"]') !== null) return true;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

const mac = typeof navigator !== "undefined" && /mac/i.test(navigator.userAgent);

/** Keys as they are written on the keyboard. */
export function keyNames(keys: string): string[] {
  return keys.split(" ").map((key) =>
    key
      .replace("Mod+", mac ? "⌘ " : "Ctrl ")
      .replace("ArrowDown", "↓")
      .replace("ArrowUp", "↑")
      .replace("Escape", "Esc")
      .replace(/^(.*\s)?([a-z])$/, (_, before = "", letter: string) =>
        before === "" ? letter : `${before}${letter.toUpperCase()}`,
      ),
  );
}
