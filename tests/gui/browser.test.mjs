// The pages in a browser, against real providers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, violations } from "./lib/browser.mjs";
import { daemon, folder, twoProviders, until } from "./lib/nodes.mjs";

/** What a person is promised in the demo: a provider that is stopped or started again shows as such within this. */
const AT_ONCE = 5_000;
/** The steps at which a provider that is not there fails: its connection, or the answer that was under way. */
const STAGES = /(Connection|Answer):/;
const NEXT_TRY = /next try/;

test("an approval by click reaches the asker's own node", async (t) => {
  const { home, other } = await twoProviders(t);
  const { link } = await home.start(t, other);
  await other.start(t, home);
  await home.admin("create-user", { name: "alice" });
  await other.admin("create-user", { name: "bob" });
  const { page, faults } = await open(t, link);
  await page.getByTestId("nav-approvals").click();

  const { id } = await other.admin("connect", { user: "bob", to: home.user("alice") });
  await page.getByTestId(`waiting-provider-${other.authority}`).getByTestId("approve").first().click();
  const request = page.getByTestId(`incoming-${id}`);
  await request.waitFor();
  await request.getByTestId("approve").first().click();
  await request.waitFor({ state: "detached" });

  await until("the asker is connected", async () => {
    const { connections } = await other.admin("connections");
    return connections.some((connection) => connection.id === id && connection.state === "approved");
  });
  assert.deepEqual(faults, []);
});

test("in the demo, a provider that is stopped is said to be, and heals by itself", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder(t)]);
  const { page, faults } = await open(t, link);
  await page.getByTestId("nav-approvals").click();
  await page.locator('[data-testid^="waiting-provider-"]').getByTestId("approve").first().click();
  await page.locator('[data-testid^="incoming-"]').getByTestId("approve").first().click();
  await page.locator('[data-testid^="incoming-"]').waitFor({ state: "detached" });

  await page.getByTestId("nav-peers").click();
  const trouble = page.getByTestId("peer-trouble");
  await page.getByTestId("demo-node-beta").click();
  await trouble.first().waitFor({ timeout: AT_ONCE });
  // In words: at which step it failed, and when it is tried again.
  await trouble.filter({ hasText: STAGES }).filter({ hasText: NEXT_TRY }).first().waitFor({ timeout: AT_ONCE });
  await page.getByTestId("demo-node-beta").click();
  await trouble.first().waitFor({ state: "detached", timeout: AT_ONCE });

  await page.getByTestId("nav-traffic").click();
  await page.getByTestId("traffic-row").first().waitFor();
  assert.deepEqual(faults, []);
});

for (const colorScheme of ["light", "dark"]) {
  test(`no screen has an accessibility fault in ${colorScheme}`, async (t) => {
    const { link } = await daemon(t, ["demo", "--home", folder(t)]);
    const { page } = await open(t, link, { colorScheme, reducedMotion: "reduce" });
    for (const screen of ["overview", "approvals", "peers", "traffic"]) {
      await page.getByTestId(`nav-${screen}`).click();
      await page.getByRole("heading", { level: 1 }).waitFor();
      assert.deepEqual(await violations(page), [], screen);
    }
  });
}

test("a link works once, and nothing is shown without it", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder(t)]);
  const { page } = await open(t, link);
  await page.getByTestId("nav-approvals").waitFor();
  const { page: second } = await open(t, link);
  await second.getByRole("textbox").waitFor();
  assert.equal(await second.getByTestId("nav-approvals").count(), 0);
});

test("a running node gives another link to who can read its folder", async (t) => {
  const { home } = await twoProviders(t);
  const { link: first } = await home.start(t, null);
  const link = await home.link();
  assert.notEqual(link, first);
  const { page } = await open(t, link);
  await page.getByTestId("nav-approvals").waitFor();
  // The one before works no longer.
  const { page: late } = await open(t, first);
  await late.getByRole("textbox").waitFor();
});
