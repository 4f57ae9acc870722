/**
 * The keyboard's place is never lost. Where what had the focus goes away (a dialog that closes, a row that was decided,
 * a screen that changes), the focus goes to what opened it, to the heading of the part of the screen that it was in, or
 * to the title. It never goes to what only holds the screen's content: a frame around that would point at nothing.
 */

/** Where the focus was, with what stood around it then; the latest last. */
interface Place {
  element: HTMLElement;
  around: readonly HTMLElement[];
}

const MOST = 20;

/** Keeps watch until the function that it returns is called. */
export function keepFocus(): () => void {
  let places: Place[] = [];
  const remember = ({ target }: FocusEvent) => {
    if (!(target instanceof HTMLElement)) return;
    places = [
      ...places.filter(({ element }) => element !== target),
      { element: target, around: around(target) },
    ];
    places = places.slice(-MOST);
  };
  const watcher = new MutationObserver(() => {
    const last = places.at(-1);
    if (document.activeElement !== document.body || last === undefined || last.element.isConnected) return;
    for (const place of places.toReversed()) {
      const next = placeNow(place);
      next?.focus({ preventScroll: true });
      if (next !== undefined && document.activeElement === next) return;
    }
  });
  document.addEventListener("focusin", remember);
  watcher.observe(document.body, { childList: true, subtree: true });
  return () => {
    document.removeEventListener("focusin", remember);
    watcher.disconnect();
  };
}

function around(element: HTMLElement): HTMLElement[] {
  const parent = element.parentElement;
  return parent === null || parent === document.body ? [] : [parent, ...around(parent)];
}

/** What can have the focus in its stead; nothing where all that stood around it is gone too. */
function placeNow({ element, around }: Place): HTMLElement | undefined {
  if (element.isConnected) return element;
  for (const each of around.filter((each) => each.isConnected)) {
    if (each.tagName === "MAIN") return document.getElementById("screen-title") ?? undefined;
    if (each.tagName === "SECTION") {
      const heading = each.querySelector<HTMLElement>("h2[tabindex]");
      if (heading !== null) return heading;
    }
    if (each.hasAttribute("tabindex") && !each.matches(HOLDERS)) return each;
  }
  return undefined;
}

/** They can have the focus so that the keyboard scrolls them, or since a tab shows them. */
const HOLDERS = "[role=tabpanel], [data-holds-content]";
