/** What the keyboard is on, and what is selected, among everything that waits. */
import { useEffect, useMemo, useRef, useState } from "react";

export interface Cursor {
  /** The key of the row that the keyboard is on. */
  at: string | null;
  selected: ReadonlySet<string>;
  /** For a row's element. */
  row(key: string): {
    id: string;
    tabIndex: number;
    onFocus: () => void;
    "aria-selected": boolean;
  };
  move(by: number): void;
  toggle(key: string): void;
  select(keys: readonly string[], on: boolean): void;
  clear(): void;
}

const rowId = (key: string) => `row ${key}`;

/** `keys`: all rows in their order. When the row under the keyboard is decided, its follower takes its place. */
export function useCursor(keys: readonly string[], reveal: (key: string) => void): Cursor {
  const [at, setAt] = useState<string | null>(null);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const inside = useRef(false);
  const place = useRef(0);

  useEffect(() => {
    const known = new Set(keys);
    setSelected((before) =>
      [...before].every((key) => known.has(key))
        ? before
        : new Set([...before].filter((key) => known.has(key))),
    );
    if (at === null) return;
    const index = keys.indexOf(at);
    if (index !== -1) {
      place.current = index;
      return;
    }
    const next = keys[Math.min(place.current, keys.length - 1)] ?? null;
    setAt(next);
    if (next !== null && inside.current && document.activeElement === document.body) focusRow(next);
  }, [keys, at]);

  return useMemo<Cursor>(
    () => ({
      at,
      selected,
      row: (key) => ({
        id: rowId(key),
        tabIndex: key === (at ?? keys[0]) ? 0 : -1,
        onFocus: () => {
          inside.current = true;
          setAt(key);
        },
        "aria-selected": selected.has(key),
      }),
      move: (by) => {
        const index = at === null ? -1 : keys.indexOf(at);
        const next = keys[index === -1 ? 0 : Math.min(Math.max(index + by, 0), keys.length - 1)];
        if (next === undefined) return;
        setAt(next);
        reveal(next);
        focusRow(next);
      },
      toggle: (key) =>
        setSelected((before) => {
          const after = new Set(before);
          if (!after.delete(key)) after.add(key);
          return after;
        }),
      select: (chosen, on) =>
        setSelected((before) => {
          const after = new Set(before);
          for (const key of chosen) on ? after.add(key) : after.delete(key);
          return after;
        }),
      clear: () => setSelected(new Set()),
    }),
    [at, selected, keys, reveal],
  );
}

/** The row may have to be made first, where only those in view exist. */
function focusRow(key: string): void {
  const focus = () => document.getElementById(rowId(key))?.focus();
  focus();
  requestAnimationFrame(focus);
}
