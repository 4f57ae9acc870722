// What the pages say is what is so at the node, after each change.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, open } from "./lib/browser.mjs";
import { daemon, folder, until } from "./lib/nodes.mjs";
import { notice, tour } from "./lib/tour.mjs";

/** Enough for many steps of reading. */
const MANY = 450;

test("how everything is said to be is how it is, after each change", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page, faults } = await open(t, link);
  const { nav } = tour(page);
  const health = page.getByTestId("health");
  /** Waits until the node judges so, and the page says the same without being touched. */
  const says = async (code, words) => {
    await until(`the node is ${code}`, async () => (await ask(page, "status")).node.health.code === code);
    await page.locator(`[data-testid="health"][data-health="${code}"]`).filter({ hasText: words }).waitFor();
    if (code !== "well") assert.doesNotMatch(await health.innerText(), /All is well/);
  };
  await page.getByTestId("nav-overview").waitFor();
  // Somebody waits, so all is not well.
  await says("waiting", /requests? waits? for your decision/);
  await nav("approvals");
  await page.locator('[data-testid^="waiting-provider-"]').getByTestId("approve").first().click();
  await page.locator('[data-testid^="incoming-"]').getByTestId("approve").first().click();
  await page.locator('[data-testid^="incoming-"]').waitFor({ state: "detached" });
  await nav("overview");
  await says("well", /All is well/);

  await page.getByTestId("demo-node-gamma").click();
  await says("peers-unreachable", /cannot be reached/);
  // Its groups are not said to be live either, nor that they have everything.
  await nav("groups");
  const row = page.locator('[data-testid^="group-"]').filter({ hasText: "Book club" });
  await row.getByText("Owner away").waitFor();
  const { groups } = await ask(page, "groups");
  assert.notEqual(groups.find((each) => each.name === "Book club").owner_away_since, null);
  assert.equal(await row.getByText("Live", { exact: true }).count(), 0);
  await row.click();
  await page.getByText("has what there was").waitFor();
  assert.equal(await page.getByText("has everything", { exact: true }).count(), 0);

  await page.getByTestId("demo-node-gamma").click();
  await row.getByText("Live", { exact: true }).waitFor();
  await page.getByText("has everything", { exact: true }).first().waitFor();
  await nav("overview");
  await says("well", /All is well/);
  assert.deepEqual(faults, []);
});

test("a message shows how far it is: sent while its group's keeper is away, arrived when that is back", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page, faults } = await open(t, link);
  const { talk, say } = tour(page);
  await talk("alice", "Book club");
  // Before a client first sends in a group it looks whether its own record is whole, for which it needs the keeper.
  await say("Hello.");
  await page.getByTestId("demo-node-gamma").click();
  await page.getByTestId("demo-look-gamma").filter({ hasText: "stopped" }).waitFor();
  await page.getByTestId("composer").fill("Are you there?");
  await page.getByTestId("send").click();
  const message = page.getByRole("article").filter({ hasText: "Are you there?" });
  const state = message.getByTestId("message-state");
  // At once, and in words and a shape, whatever the state is called then.
  await state.filter({ hasText: /sending|on its way/ }).waitFor();
  await state.locator("svg").waitFor();
  await state.filter({ hasText: "on its way" }).waitFor();
  await page.getByTestId("demo-node-gamma").click();
  await state.filter({ hasText: "arrived in the group" }).waitFor();
  // Once another is the latest, the shape goes on telling it, and the word is read out.
  await say("Good.");
  assert.equal(await state.locator("svg").isVisible(), true);
  assert.match(await state.textContent(), /arrived in the group/);
  assert.deepEqual(faults, []);
});

test("times on the screen do not run backwards from screen to screen", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page } = await open(t, link);
  const { nav } = tour(page);
  const started = async () => {
    const text = await page.getByTestId("health").locator("time").innerText();
    const [, minutes = "0", seconds = "0"] = /(?:(\d+) min)? ?(?:(\d+) s)?/.exec(text);
    return Number(minutes) * 60 + Number(seconds);
  };
  await page.getByTestId("health").waitFor();
  let before = 0;
  for (const screen of ["peers", "groups", "settings", "traffic", "accounts", "approvals"]) {
    // What has been shown once may not grow younger: a few seconds make the difference visible.
    await until("a second has passed", async () => (await started()) > before);
    before = await started();
    await nav(screen);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await nav("overview");
    await page.getByTestId("health").waitFor();
    const now = await started();
    assert.ok(now >= before, `${now} s after ${before} s, by way of ${screen}`);
  }
});

test("a long conversation is read to its beginning, however quickly one turns the wheel", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page, faults } = await open(t, link);
  const { talk } = tour(page);
  await page.getByTestId("nav-overview").waitFor();
  const { group } = await ask(page, "create-group", { user: "alice", name: "Long", add: "members", send: "members" });
  for (let at = 1; at <= MANY; at += 1) await ask(page, "send-message", { user: "alice", group, text: `message ${at}` });
  await until("all are there", async () => {
    const { messages } = await ask(page, "conversation", { user: "alice", group, limit: 5_000 });
    return messages.filter(({ state }) => state === "accepted").length >= MANY;
  });
  await talk("alice", "Long");
  await page.getByRole("article").last().waitFor();
  const thread = page.getByRole("region", { name: "Messages" });
  await thread.hover();
  // Once and to the end: then nothing scrolls any more that could ask again.
  for (let turn = 0; turn < 40; turn += 1) await page.mouse.wheel(0, -3_000);
  await until(
    "the beginning is reached",
    async () => {
      await page.mouse.wheel(0, -3_000);
      return (await page.getByTestId("thread-head").innerText()) === "This is the beginning.";
    },
    30_000,
  );
  await notice(page, "alice made the group").waitFor();
  await page.getByText("message 1", { exact: true }).waitFor();
  assert.deepEqual(faults, []);
});

test("what others write takes no more room and time than a message is worth", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page, faults } = await open(t, link);
  const { talk } = tour(page);
  await page.getByTestId("nav-overview").waitFor();
  const { group } = await ask(page, "create-group", { user: "alice", name: "\u202eevil\u202c", add: "members", send: "members" });
  for (const text of [
    "> ".repeat(32_000),
    "- a\n".repeat(16_000),
    `a${"\u0301".repeat(32_000)}`,
    "w".repeat(65_000),
    `|a|b|\n|-|-|\n${"|1|2|\n".repeat(9_000)}`,
    "\u202elive",
  ]) {
    await ask(page, "send-message", { user: "alice", group, text });
  }
  // The name does not read as another.
  await talk("alice", "[U+202E]evil[U+202C]");
  await page.getByRole("article").nth(2).waitFor();
  const { viewport, heights, elements } = await page.evaluate(() => ({
    viewport: window.innerHeight,
    heights: [...document.querySelectorAll("article")].map((each) => each.getBoundingClientRect().height),
    elements: document.querySelectorAll("article *").length,
  }));
  for (const height of heights) assert.ok(height < viewport * 1.5, `a message of ${height} px`);
  assert.ok(elements < 3_000, `${elements} elements`);
  await page.getByText("[U+202E]live").first().waitFor();
  // Unfolded, it scrolls by itself.
  await page.getByRole("article").first().getByRole("button", { name: /Show all of it/ }).click();
  const whole = page.getByRole("region", { name: "The whole text" });
  await whole.waitFor();
  assert.ok((await whole.boundingBox()).height <= viewport * 0.61);
  assert.deepEqual(faults, []);
});
