// The traffic record and the support bundle in a browser, against real providers.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ask, open, violations, wide } from "./lib/browser.mjs";
import { daemon, folder, twoProviders } from "./lib/nodes.mjs";
import { tour } from "./lib/tour.mjs";

/** The file that the page hands over while `act` is done. */
async function saved(page, act) {
  const [download] = await Promise.all([page.waitForEvent("download"), act()]);
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
}

test("requests are still there after a restart and a reload, with their parts and their filters", async (t) => {
  const { home, other } = await twoProviders(t);
  const first = await home.start(t, other);
  await other.start(t, home);
  await home.admin("create-user", { name: "alice" });
  await other.admin("create-user", { name: "bob" });
  const { page, faults } = await open(t, first.link);
  const { nav } = tour(page);
  await nav("approvals");
  await other.admin("connect", { user: "bob", to: home.user("alice") });
  await page.getByTestId(`waiting-provider-${other.authority}`).getByTestId("approve").first().click();

  // What has ended of a kind that comes only once.
  await nav("traffic");
  const introduction = page.locator('[data-testid="traffic-row"][data-waiting="false"]').filter({ hasText: "Introduction" }).first();
  await introduction.waitFor();
  const id = await introduction.locator("[data-traffic]").getAttribute("data-traffic");
  await page.getByTestId("traffic-kept").filter({ hasText: /kept since/ }).waitFor();
  // A pull waits, and its bar grows.
  const waiting = page.locator('[data-testid="traffic-row"][data-waiting="true"]').filter({ hasText: "Pull" }).first();
  const grows = async () => {
    await waiting.waitFor();
    await waiting.click();
    const bar = page.getByTestId("part-wait").locator("[data-part]");
    const before = await bar.evaluate((element) => Number.parseFloat(element.style.width));
    const isWider = (width) =>
      Number.parseFloat(document.querySelector('[data-testid="part-wait"] [data-part]').style.width) > width;
    return page.waitForFunction(isWider, before, { timeout: 10_000 }).then(() => true, () => false);
  };
  // One that is answered meanwhile grows no more, and another one waits.
  let grown = false;
  for (let tries = 0; tries < 9 && !grown; tries++) grown = await grows();
  assert.ok(grown);

  await first.stop();
  const { link } = await home.start(t, other);
  await page.goto(link);
  await nav("traffic");
  await page.getByTestId("traffic-row").first().waitFor();
  await page.getByLabel("What", { exact: true }).selectOption("introduce");
  await page.locator(`[data-traffic="${id}"]`).click();
  await page.getByTestId("waterfall").waitFor();
  await page.waitForURL(/kind=introduce.*open=|open=.*kind=introduce/);
  await page.reload();
  await page.locator(`[data-traffic="${id}"]`).waitFor();
  await page.getByTestId("part-verify").waitFor();
  await page.getByRole("complementary").getByText("signature verified").waitFor();
  assert.equal(await page.getByTestId("traffic-row").filter({ hasText: "Pull" }).count(), 0);
  assert.deepEqual(await violations(page), []);

  // Everything that the filters show, as a file without names.
  await page.keyboard.press("Escape");
  await page.getByTestId("traffic-export").click();
  const file = await saved(page, () => page.getByTestId("export-make").click());
  assert.match(file.name, /\.har$/);
  const { entries } = JSON.parse(file.text).log;
  assert.ok(entries.length > 0);
  assert.ok(!file.text.includes(other.authority) && !file.text.includes(home.authority));
  await page.getByTestId("export-done").filter({ hasText: "saved" }).waitFor();
  assert.deepEqual(faults, []);
});

test("the support bundle is shown whole before it is saved, and names nobody", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page, faults } = await open(t, link);
  const { nav } = tour(page);
  await nav("settings");
  await page.getByTestId("make-bundle").click();
  const text = page.getByTestId("bundle-text");
  await text.waitFor();
  const shown = (await text.locator("pre").allTextContents()).join("\n");
  const bundle = JSON.parse(shown);
  assert.ok(bundle.program.version && bundle.requests.length > 0);
  const { node } = await ask(page, "status");
  const { peers } = await ask(page, "peers");
  for (const name of [node.provider, node.data_dir, "alice", "bob", ...peers.map(({ provider }) => provider)])
    assert.ok(!shown.includes(name), name);
  assert.deepEqual(await violations(page), []);

  const file = await saved(page, () => page.getByTestId("save-bundle").click());
  assert.match(file.name, /^drawbridge-support-.*\.json$/);
  assert.equal(file.text, shown);

  // On a phone too.
  await page.setViewportSize({ width: 390, height: 844 });
  assert.deepEqual(await wide(page), []);
  assert.deepEqual(faults, []);
});
