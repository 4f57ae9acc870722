import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { now, setClock } from "@/shared/clock";

const BEGAN = Date.parse("2026-11-28T12:00:00.000Z");
const said = (ms: number) => new Date(BEGAN + ms).toISOString();

describe("the clock of the pages", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    // Whatever another test left: the clock is set back by far.
    setClock(said(-1e9));
    now();
    setClock(said(0));
    expect(now()).toBe(BEGAN);
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("goes on between answers", () => {
    vi.advanceTimersByTime(4_000);
    expect(now()).toBe(BEGAN + 4_000);
  });

  it("never steps back, though an answer was long on its way", () => {
    vi.advanceTimersByTime(10_000);
    expect(now()).toBe(BEGAN + 10_000);
    setClock(said(5_000));
    expect(now()).toBe(BEGAN + 10_000);
    vi.advanceTimersByTime(3_000);
    expect(now()).toBe(BEGAN + 10_000);
    vi.advanceTimersByTime(3_000);
    expect(now()).toBe(BEGAN + 11_000);
  });

  it("does not follow this computer's own clock when that is set", () => {
    vi.setSystemTime(BEGAN - 3_600_000);
    vi.advanceTimersByTime(1_000);
    expect(now()).toBe(BEGAN + 1_000);
  });

  it("follows a node whose clock was set right", () => {
    setClock(said(-3_600_000));
    expect(now()).toBe(BEGAN - 3_600_000);
  });
});
