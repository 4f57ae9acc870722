/** Picks the version of the platform, once; see `platform.ts`. */
import { isTauri } from "@tauri-apps/api/core";
import { browser, takeToken } from "./browser";
import { desktop } from "./desktop";
import type { Platform } from "./platform";

export * from "./platform";

/** The platform that this page runs on, with the session made if the address held a token. */
export async function pickPlatform(): Promise<Platform> {
  if (isTauri()) return desktop();
  const platform = browser();
  const token = takeToken();
  // A token that is no longer good shows the page that asks for one; nothing is to be said here.
  if (token !== null) await platform.session?.enter(token).catch(() => undefined);
  return platform;
}
