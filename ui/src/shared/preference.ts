/** Choices that concern only this screen; kept in the browser or the window, lost without harm. */
import { Store } from "./store";

export class Preference<T extends string | boolean> extends Store<T> {
  constructor(
    readonly key: string,
    initial: T,
  ) {
    super(stored(key, initial));
    this.subscribe(() => {
      try {
        localStorage.setItem(`drawbridge.${key}`, JSON.stringify(this.read()));
      } catch {
        // Private windows refuse storage; the choice then lasts as long as the page.
      }
    });
  }
}

function stored<T extends string | boolean>(key: string, initial: T): T {
  try {
    const text = localStorage.getItem(`drawbridge.${key}`);
    const value: unknown = text === null ? initial : JSON.parse(text);
    return typeof value === typeof initial ? (value as T) : initial;
  } catch {
    return initial;
  }
}

/** Letters that act without Ctrl; WCAG 2.1.4 wants them to be switchable. */
export const singleKeys = new Preference<boolean>("single-keys", true);
/** Desktop notifications by the browser, where this page runs in one. */
export const notifications = new Preference<boolean>("notifications", false);
/** Whether the demo's tour is out of the way. */
export const demoGuideHidden = new Preference<boolean>("demo-guide-hidden", false);
/** Whether the demo's controls are folded away. */
export const demoFolded = new Preference<boolean>("demo-folded", false);
