// The pages in a browser, against real providers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, violations } from "./lib/browser.mjs";
import { daemon, folder, twoProviders, until } from "./lib/nodes.mjs";

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
  await trouble.first().waitFor();
  await page.getByTestId("demo-node-beta").click();
  await trouble.first().waitFor({ state: "detached" });

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
