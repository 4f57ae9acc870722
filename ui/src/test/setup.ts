import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeEach } from "vitest";
import { deciding } from "@/domain/connection/approvals";
import { forgetAll } from "@/shared/toast";

// What is waited for comes as soon as this machine gets to it.
configure({ asyncUtilTimeout: 10_000 });

// What jsdom lacks: it lays nothing out, so every element is said to be of one size.
window.matchMedia = (media) =>
  ({
    matches: false,
    media,
    addEventListener: () => {},
    removeEventListener: () => {},
  }) as unknown as MediaQueryList;
globalThis.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
Object.defineProperties(HTMLElement.prototype, {
  offsetHeight: { get: () => 560 },
  offsetWidth: { get: () => 1_000 },
  clientHeight: { get: () => 560 },
  clientWidth: { get: () => 1_000 },
});
Element.prototype.scrollIntoView = () => {};
Element.prototype.scrollTo = () => {};
window.scrollTo = () => {};
Element.prototype.hasPointerCapture = () => false;
Element.prototype.setPointerCapture = () => {};
Element.prototype.releasePointerCapture = () => {};

beforeEach(() => {
  window.location.hash = "";
  window.localStorage.clear();
});

afterEach(() => {
  cleanup();
  forgetAll();
  deciding.set(new Set());
});
