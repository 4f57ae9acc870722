/** Numbers and times in words. All spans are milliseconds, all times the wire's text or epoch milliseconds. */
import { t } from "@/text";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365.2425 * DAY;
/** From then on nobody counts the years. */
const MOST_YEARS = 100;

/** A measured duration: as exact as it is short. */
export function duration(ms: number): string {
  if (ms > 0 && ms < 0.05) return t.units.ms("< 0.1");
  if (ms < 1) return t.units.ms(ms.toFixed(1));
  if (ms < 999.5) return t.units.ms(ms.toFixed(0));
  if (ms < 9_950) return t.units.s((ms / SECOND).toFixed(1));
  return span(ms);
}

/** A span of time, to its leading one or two units. */
export function span(ms: number): string {
  const all = Math.max(0, ms);
  if (all < MINUTE) return t.units.s(String(Math.floor(all / SECOND)));
  if (all < 10 * MINUTE) return t.units.mins(Math.floor(all / MINUTE), Math.floor((all % MINUTE) / SECOND));
  if (all < HOUR) return t.units.min(Math.floor(all / MINUTE));
  if (all < DAY) return t.units.hmin(Math.floor(all / HOUR), Math.floor((all % HOUR) / MINUTE));
  return longSpan(all);
}

/** A span of time in its leading unit only: quiet enough for a column of them. */
export function coarseSpan(ms: number): string {
  const all = Math.max(0, ms);
  if (all < MINUTE) return t.units.s(String(Math.floor(all / SECOND)));
  if (all < HOUR) return t.units.min(Math.floor(all / MINUTE));
  if (all < DAY) return t.units.h(Math.floor(all / HOUR));
  return longSpan(all);
}

/** A day or more: in years where days would be too many to picture. */
function longSpan(ms: number): string {
  if (ms < 2 * YEAR) return t.units.d(Math.floor(ms / DAY));
  const years = Math.floor(ms / YEAR);
  return years < MOST_YEARS ? t.units.y(years) : t.units.moreYears(MOST_YEARS);
}

/** How long ago, in words. */
export function ago(at: number, now: number): string {
  const past = now - at;
  return past < SECOND ? t.units.justNow : t.units.ago(coarseSpan(past));
}

/** How long until, in words. */
export function until(at: number, now: number): string {
  const left = at - now;
  return left < SECOND / 2 ? t.units.due : t.units.in(coarseSpan(left + SECOND / 2));
}

const exactFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "medium" });
const clockFormat = new Intl.DateTimeFormat("en-GB", {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

/** The exact local time, with the wire's own text behind it. */
export function exact(at: string): string {
  return `${exactFormat.format(new Date(at))}\n${at}`;
}

/** For a text that others are given: to the second, in UTC, as the node's own sentences have it. */
export function inUtc(at: string): string {
  return `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** The local time of day to the millisecond. */
export function timeOfDay(at: string): string {
  return clockFormat.format(new Date(at));
}

const dayFormat = new Intl.DateTimeFormat("en-GB", { dateStyle: "full" });
const shortFormat = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

/** The local day, for comparing. */
export function dayOf(at: string): string {
  return new Date(at).toDateString();
}

/** The local day in words. */
export function longDay(at: string): string {
  return dayFormat.format(new Date(at));
}

/** The local time of day to the minute. */
export function shortTime(at: string): string {
  return shortFormat.format(new Date(at));
}

const dateFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const yearFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** A day in few words: of today the time, and the year only where it is another. */
export function shortDay(at: string, now: number): string {
  const [then, today] = [new Date(at), new Date(now)];
  if (then.toDateString() === today.toDateString()) return shortTime(at);
  return (then.getFullYear() === today.getFullYear() ? dateFormat : yearFormat).format(then);
}

const rangeFormats = {
  seconds: new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  minutes: new Intl.DateTimeFormat("en-GB", {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  }),
};

/** From one time to another, in epoch ms: to the second of a time of day, or to the minute of a day. */
export function timeRange(from: number, until: number, to: keyof typeof rangeFormats): string {
  // The thin spaces that some runtimes put around the dash are left out.
  return rangeFormats[to].formatRange(from, until).replace(/\s*–\s*/u, "–");
}

/** Octets in decimal units. */
export function bytes(octets: number): string {
  let value = octets;
  let unit = 0;
  while (value >= 1_000 && unit < t.units.byteNames.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1);
  return t.units.bytes(digits, t.units.byteNames[unit] ?? "");
}

export function count(n: number): string {
  return n.toLocaleString("en");
}
