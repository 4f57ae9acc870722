/** What was begun and not sent yet, for each conversation; it outlives the page, and goes when it is sent. */
const key = (user: string, group: string) => `drawbridge.draft ${user} ${group}`;

/** Where there is no storage, as in private windows, a draft lasts as long as the page. */
const here = new Map<string, string>();

export function draftOf(user: string, group: string): string {
  const name = key(user, group);
  try {
    return localStorage.getItem(name) ?? "";
  } catch {
    return here.get(name) ?? "";
  }
}

export function keepDraft(user: string, group: string, text: string): void {
  const name = key(user, group);
  try {
    if (text === "") localStorage.removeItem(name);
    else localStorage.setItem(name, text);
  } catch {
    here.set(name, text);
  }
}
