import type { Session } from "@/bindings/Session";
import { readUserAgent } from "@/domain/node/userAgent";
import { nameText } from "@/shared/text";
import { t } from "@/text";

/** What a browser that is let in is called: by browser and system, else by its own words. */
export function deviceName({ browser }: Session): string {
  const read = readUserAgent(browser);
  if (read !== null) return t.settings.browserOn(read.browser, read.system);
  return nameText(browser) || t.settings.browserUnnamed;
}
