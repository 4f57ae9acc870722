// Debian's Chromium, by Playwright.
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** Opens `link` in a new browser, with the arguments `args` too, and collects what goes wrong in the page. */
export async function open(test, link, { args = [], ...options } = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...args,
    ],
  });
  test.after(() => browser.close());
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, bypassCSP: false, ...options });
  // How long only matters where something never comes: beside other work, four processes in debug take their time.
  context.setDefaultTimeout(90_000);
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (fault) => faults.push(String(fault)));
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) faults.push(message.text());
  });
  await page.goto(link);
  return { page, faults };
}

/** What is wrong with the accessibility of the page as it is now. */
export async function violations(page) {
  // Evaluated by the debugger, so that the page's own policy needs no exception.
  const { readFileSync } = await import("node:fs");
  await page.evaluate(readFileSync(axe, "utf8"));
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
}

/** Asks the node that the page is of, with the page's own session. */
export function ask(page, command, request = {}) {
  return page.evaluate(
    async ([command, body]) => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`/admin/v1/${command}`, { method: "POST", headers, body });
      if (!answer.ok) throw new Error(`${command}: ${await answer.text()}`);
      return answer.json();
    },
    [command, JSON.stringify(request)],
  );
}

/** What goes beyond the sides of the page, or scrolls sideways in it. */
export function wide(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const name = (element) => `${element.tagName.toLowerCase()} ${element.getAttribute("class") ?? ""}`.slice(0, 80);
    return [...document.querySelectorAll("html, body, body *")].flatMap((element) => {
      const { overflowX } = getComputedStyle(element);
      const isScroller = element === document.documentElement || /auto|scroll/.test(overflowX);
      if (isScroller && element.scrollWidth > element.clientWidth + 1)
        return [`${name(element)} scrolls sideways: ${element.scrollWidth} in ${element.clientWidth}`];
      if (!element.matches("button, a, input, select, textarea, h1, h2, p")) return [];
      const { left, right, height } = element.getBoundingClientRect();
      // What is only read out has no size.
      return height > 1 && right - left > 1 && (left < -1 || right > width + 1)
        ? [`${name(element)} stands outside: ${Math.round(left)} to ${Math.round(right)} of ${width}`]
        : [];
    });
  });
}
