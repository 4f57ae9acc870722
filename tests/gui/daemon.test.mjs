// The pages and the program that serves them: tabs, links, sessions, and a program that hangs or is killed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./lib/browser.mjs";
import { daemon, folder, twoProviders, until } from "./lib/nodes.mjs";

/** More than a browser has connections for. */
const TABS = 9;

test("nine tabs of the pages all live, and one that comes later too", async (t) => {
  const { home } = await twoProviders(t);
  const { link } = await home.start(t, null);
  const { page, faults } = await open(t, link);
  await page.getByTestId("nav-accounts").click();
  const pages = [page];
  while (pages.length < TABS) {
    const tab = await page.context().newPage();
    await tab.goto(page.url());
    await tab.getByTestId("nav-accounts").waitFor();
    pages.push(tab);
  }
  await home.admin("create-user", { name: "alice" });
  // By the stream, without a reload, in every one of them.
  await Promise.all(pages.map((tab) => tab.getByText("alice").first().waitFor()));
  // The stream outlives the tab that was there first.
  await page.close();
  await home.admin("create-user", { name: "bob" });
  await Promise.all(pages.slice(1).map((tab) => tab.getByText("bob").first().waitFor()));
  assert.deepEqual(faults, []);
});

test("a program that hangs is missed by its pages, and is heard again", async (t) => {
  const { home } = await twoProviders(t);
  const { link, process } = await home.start(t, null);
  const { page } = await open(t, link);
  await page.getByTestId("nav-accounts").waitFor();
  process.kill("SIGSTOP");
  await page.getByTestId("link-lost").waitFor();
  process.kill("SIGCONT");
  await page.getByTestId("link-lost").waitFor({ state: "detached" });
});

test("a browser's session outlives a kill of the program, until it is ended", async (t) => {
  const { home, other } = await twoProviders(t);
  const first = await home.start(t, null);
  const { page } = await open(t, first.link);
  await page.getByTestId("nav-accounts").waitFor();
  await first.kill();
  await page.getByTestId("link-lost").waitFor();
  await home.start(t, null);
  await page.getByTestId("link-lost").waitFor({ state: "detached" });
  await page.reload();
  await page.getByTestId("nav-accounts").waitFor();

  // Another node on this host has a cookie of its own.
  const { link } = await other.start(t, null);
  const beside = await page.context().newPage();
  await beside.goto(link);
  await beside.getByTestId("nav-accounts").waitFor();
  await page.reload();
  await page.getByTestId("nav-accounts").waitFor();

  // A link that was used says so to a browser that has no session.
  const stranger = await open(t, first.link);
  await stranger.page.getByText(/This link was used at/).waitFor();

  const { sessions } = await home.admin("sessions");
  assert.equal(sessions.length, 1);
  await home.admin("end-session", { id: sessions[0].id });
  await page.getByTestId("session-ended").waitFor();
});

const PHONE = "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0";

test("a phone comes in by the link that a page shows, stays over a restart, and is ended from the list", async (t) => {
  const { home } = await twoProviders(t);
  const first = await home.start(t, null);
  const { page, faults } = await open(t, first.link);
  await page.getByTestId("nav-settings").click();
  await page.getByTestId("other-device").click();
  // The pages of this provider listen on the loopback network alone.
  await page.getByTestId("device-obstacle").filter({ hasText: `127.0.0.1:${home.adminPort}` }).waitFor();
  const link = await page.getByTestId("device-link").textContent();
  const { page: phone } = await open(t, link, { userAgent: PHONE, viewport: { width: 390, height: 844 } });
  await phone.getByTestId("nav-overview").waitFor();
  await page.getByTestId("device-let-in").filter({ hasText: "Firefox on Android" }).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  const row = page.getByTestId("sessions").getByRole("listitem").filter({ hasText: "Firefox on Android" });
  await row.filter({ hasText: PHONE }).waitFor();

  // It works once, and the session that came of it outlives the program.
  const stranger = await open(t, link);
  await stranger.page.getByText(/This link was used at/).waitFor();
  await first.stop();
  await home.start(t, null);
  await phone.reload();
  await phone.getByTestId("nav-overview").waitFor();

  await page.getByTestId("end-others").click();
  await page.getByRole("dialog").getByRole("button", { name: "End all others" }).click();
  await phone.getByTestId("session-ended").waitFor();
  await row.waitFor({ state: "detached" });
  await page.getByTestId("nav-accounts").click();
  await page.getByRole("heading", { level: 1, name: "Accounts" }).waitFor();
  assert.deepEqual(faults, []);
});

test("the pages can be installed to a phone's home screen", async (t) => {
  const { home } = await twoProviders(t);
  const { link } = await home.start(t, null);
  const { page, faults } = await open(t, link);
  await page.getByTestId("nav-overview").waitFor();
  const browser = await page.context().newCDPSession(page);
  const { url, data, errors } = await browser.send("Page.getAppManifest");
  assert.deepEqual(errors, []);
  const answer = await page.request.get(url);
  assert.equal(answer.headers()["content-type"], "application/manifest+json");
  const { display, icons } = JSON.parse(data);
  assert.equal(display, "standalone");
  for (const icon of icons) {
    const image = await page.request.get(new URL(icon.src, url).href);
    assert.equal(image.headers()["content-type"], icon.type, icon.src);
  }
  // The browser of a test keeps nothing, which is all that it has against it.
  const { installabilityErrors } = await browser.send("Page.getInstallabilityErrors");
  assert.deepEqual(installabilityErrors.filter(({ errorId }) => errorId !== "in-incognito"), []);
  assert.deepEqual(faults, []);
});

test("a page that is closed at once leaves the command that it gave whole", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page } = await open(t, link);
  const gamma = page.getByTestId("demo-node-gamma");
  const runs = (on) =>
    until(`gamma ${on ? "runs" : "is stopped"}`, async () => {
      const tab = await page.context().newPage();
      await tab.goto(link.split("#")[0]);
      const checked = await tab.getByTestId("demo-node-gamma").getAttribute("aria-checked");
      await tab.close();
      return checked === String(on);
    });
  await gamma.click();
  await runs(false);
  const closing = await page.context().newPage();
  await closing.goto(link.split("#")[0]);
  const asked = closing.waitForRequest(/run-demo-node/);
  await closing.getByTestId("demo-node-gamma").click();
  await asked;
  await closing.close();
  await runs(true);
  await gamma.click();
  await runs(false);
});
