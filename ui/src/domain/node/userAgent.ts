/** Which browser on which system a `User-Agent` speaks of, as far as it can be told. */

/** In this order: most browsers also name those that they are like. */
const BROWSERS: readonly (readonly [RegExp, string])[] = [
  [/^Drawbridge\//, "Drawbridge"],
  [/\bEdg(?:e|A|iOS)?\//, "Edge"],
  [/\bOPR\/|\bOpera\b/, "Opera"],
  [/\bVivaldi\//, "Vivaldi"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bEpiphany\//, "GNOME Web"],
  [/\b(?:Firefox|FxiOS)\//, "Firefox"],
  [/\b(?:HeadlessChrome|Chrome|CriOS)\//, "Chrome"],
  [/\bChromium\//, "Chromium"],
  [/\bVersion\/[\d.]+ .*Safari\//, "Safari"],
  [/^curl\//, "curl"],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, "Android"],
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b|\bMacintosh\b/, "macOS"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bLinux\b/, "Linux"],
  [/\bFreeBSD\b/, "FreeBSD"],
  [/\bOpenBSD\b/, "OpenBSD"],
];

/** Null where the browser is none of those known: its own words say more then. */
export function readUserAgent(text: string): { browser: string; system: string | null } | null {
  const find = (list: typeof BROWSERS) => list.find(([sign]) => sign.test(text))?.[1] ?? null;
  // Chromium as distributions build it names both.
  const browser = /\bChromium\//.test(text) ? "Chromium" : find(BROWSERS);
  return browser === null ? null : { browser, system: find(SYSTEMS) };
}
