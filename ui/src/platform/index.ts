/** Picks the version of the platform, once; see `platform.ts`. */
import { isTauri } from "@tauri-apps/api/core";
import { browser, takeToken } from "./browser";
import { desktop } from "./desktop";
import type { AdminError, Platform } from "./platform";

export * from "./platform";

/** The platform that this page runs on, with the session made if the address held a token. */
export async function pickPlatform(): Promise<Platform> {
  if (isTauri()) return desktop();
  // A link that is opened in a tab that has a page already changes only what stands behind `#`.
  window.addEventListener("hashchange", () => {
    if (window.location.hash.startsWith("#token=")) window.location.reload();
  });
  const platform = browser();
  const token = takeToken();
  if (token === null) return platform;
  try {
    await platform.entrance?.enter(token);
    return platform;
  } catch (fault) {
    // It matters only where there is no session from before: then the page that asks for a token says why.
    return browser("", fault as AdminError);
  }
}
