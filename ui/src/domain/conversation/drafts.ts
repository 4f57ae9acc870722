/** What was begun and not sent yet, for each conversation; it outlives the page, and goes when it is sent. */
const key = (user: string, group: string) => `drawbridge.draft ${user} ${group}`;
const kept = new Map<string, string>();

export function draftOf(user: string, group: string): string {
  const name = key(user, group);
  try {
    return kept.get(name) ?? localStorage.getItem(name) ?? "";
  } catch {
    return kept.get(name) ?? "";
  }
}

export function keepDraft(user: string, group: string, text: string): void {
  const name = key(user, group);
  kept.set(name, text);
  try {
    if (text === "") localStorage.removeItem(name);
    else localStorage.setItem(name, text);
  } catch {
    // Private windows refuse storage; the draft then lasts as long as the page.
  }
}
