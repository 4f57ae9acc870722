// The pages in a browser, against real providers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { open, violations } from "./lib/browser.mjs";
import { daemon, folder, twoProviders, until } from "./lib/nodes.mjs";
import { makeGroup, notice, openGroup, SCREENS, tour } from "./lib/tour.mjs";

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
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page, faults } = await open(t, link);
  await page.getByTestId("nav-approvals").click();
  await page.locator('[data-testid^="waiting-provider-"]').getByTestId("approve").first().click();
  await page.locator('[data-testid^="incoming-"]').getByTestId("approve").first().click();
  await page.locator('[data-testid^="incoming-"]').waitFor({ state: "detached" });

  await page.getByTestId("nav-peers").click();
  const trouble = page.getByTestId("peer-trouble");
  await page.getByTestId("demo-node-beta").click();
  await trouble.first().waitFor();
  // In words: at which step it failed, and when it is tried again.
  await trouble.filter({ hasText: STAGES }).filter({ hasText: NEXT_TRY }).first().waitFor();
  // The doctor says at which step, and who has to act.
  await trouble.first().getByRole("link", { name: "Look into it" }).click();
  await page.getByTestId("verdict").filter({ hasText: "Does not work" }).waitFor();
  await page.getByTestId("step-connect").getByTestId("todo").filter({ hasText: "Its operator has to act" }).waitFor();
  await page.getByTestId("summary").filter({ hasText: "Connection refused" }).waitFor();
  // Nothing of the report reaches out of what scrolls, so that the page itself would scroll.
  const whole = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 480 });
  // A part of a pixel is rounded up.
  assert.ok((await page.evaluate(() => document.documentElement.scrollHeight)) <= 481);
  await page.setViewportSize(whole);
  await page.getByTestId("nav-peers").click();
  await page.getByTestId("demo-node-beta").click();
  await trouble.first().waitFor({ state: "detached" });

  await page.getByTestId("nav-traffic").click();
  await page.getByTestId("traffic-row").first().waitFor();
  assert.deepEqual(faults, []);
});

test("in the demo, with the mouse alone: one group across three providers", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page, faults } = await open(t, link);
  const { look, nav, talk, say, step } = tour(page);

  // At alpha: beta and bob are let in, and alice makes a group and asks for both others.
  await page.getByTestId("go-alpha").click();
  await page.locator('[data-testid^="incoming-"]').getByTestId("approve").first().click();
  await nav("overview");
  await step("connect");
  await makeGroup(page, "Summer trip", [/^bob/, /^carol/]);
  const pending = page.locator('[data-testid^="pending-"]');
  assert.equal(await pending.count(), 2);

  // Nobody is in it before their own provider agrees, which shows at alpha as it happens there.
  for (const other of ["beta", "gamma"]) {
    await look(other);
    await nav("approvals");
    await page.locator('[data-testid^="addition-"]').getByTestId("approve").first().click();
    await page.locator('[data-testid^="addition-"]').waitFor({ state: "detached" });
  }
  await look("alpha");
  await talk("alice", "Summer trip");
  // Where both have agreed before alice's client looks, one commit adds both.
  await notice(page, /alice added .*bob/).waitFor();
  await notice(page, /alice added .*carol/).waitFor();
  await say("Who brings the tent?");

  // The message is read and answered at both.
  for (const [other, who, answer] of [
    ["beta", "bob", "I do."],
    ["gamma", "carol", "And I the stove."],
  ]) {
    await look(other);
    await talk(who, "Summer trip");
    await page.getByRole("article").filter({ hasText: "Who brings the tent?" }).waitFor();
    await say(answer);
  }
  await look("alpha");
  await talk("alice", "Summer trip");
  for (const answer of ["I do.", "And I the stove."]) {
    await page.getByRole("article").filter({ hasText: answer }).waitFor();
  }

  // Everyone is in the roster under a grant of their own provider, and each provider has the whole log.
  await openGroup(page, "Summer trip");
  const places = page.locator('[data-testid^="participant-"]');
  await places.nth(2).filter({ hasText: "has everything" }).waitFor();
  for (const place of await places.all()) await place.filter({ hasText: "has everything" }).waitFor();
  const roster = page.getByRole("region", { name: "Who is in it" });
  assert.equal(await roster.getByRole("button", { name: /^Grant: verified/ }).count(), 2);
  await roster.getByRole("button", { name: "Grant: verified, for carol" }).click();
  await page.getByRole("dialog").getByText("verified", { exact: true }).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).first().click();

  // carol is removed; bob goes on.
  await talk("alice", "Summer trip");
  if (!(await page.getByTestId("add-somebody").isVisible())) await page.getByTestId("members").click();
  await page.locator('[data-testid^="member-"]').filter({ hasText: "carol" }).getByRole("button", { name: /^More/ }).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await page.getByRole("button", { name: "Remove carol" }).click();
  await notice(page, "alice removed carol").waitFor();
  await say("Only the two of us, then.");
  await openGroup(page, "Summer trip");
  await roster.getByText("carol").waitFor({ state: "detached" });
  await roster.getByText("bob").waitFor();
  await places.filter({ hasText: "gamma" }).filter({ hasText: "cut off after" }).waitFor();
  await places.filter({ hasText: "beta" }).filter({ hasText: "has everything" }).waitFor();

  // All of it crossed the wire as the protocol has it.
  await nav("traffic");
  for (const kind of ["Ask to add", "Key packages", "Submission", "Pull"]) {
    await page.getByTestId("traffic-row").filter({ hasText: kind }).first().waitFor();
  }

  // carol is told so, keeps what she has, and gets nothing that came after.
  await look("gamma");
  await talk("carol", "Summer trip");
  await page.getByText("You were removed from this group").waitFor();
  await notice(page, "alice removed you").waitFor();
  await page.getByRole("article").filter({ hasText: "Who brings the tent?" }).waitFor();
  assert.equal(await page.getByRole("article").filter({ hasText: "Only the two of us" }).count(), 0);
  await look("beta");
  await talk("bob", "Summer trip");
  await page.getByRole("article").filter({ hasText: "Only the two of us" }).waitFor();

  await nav("overview");
  for (const each of ["make", "add", "agree", "write", "answer", "remove"]) await step(each);
  assert.deepEqual(faults, []);
});

for (const colorScheme of ["light", "dark"]) {
  test(`no screen has an accessibility fault in ${colorScheme}`, async (t) => {
    const { link } = await daemon(t, ["demo", "--home", folder()]);
    const { page } = await open(t, link, { colorScheme, reducedMotion: "reduce" });
    const { nav, talk, look } = tour(page);
    const sound = async (what) => assert.deepEqual(await violations(page), [], what);
    for (const screen of SCREENS) {
      await nav(screen);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await sound(screen);
    }
    await nav("guide");
    await page.locator(".guide h2").first().waitFor();
    await sound("the guide");
    // With something in them: people who talk, a roster, an addition that waits.
    await talk("alice", "Book club");
    await page.getByRole("article").first().waitFor();
    await page.getByTestId("members").click();
    await page.locator('[data-testid^="member-"]').first().waitFor();
    await sound("a conversation");
    await makeGroup(page, "Summer trip", [/^carol/]);
    await sound("a group with somebody being added");
    await openGroup(page, "Book club");
    await page.locator('[data-testid^="participant-"]').first().waitFor();
    await sound("a group's details");
    await look("gamma");
    await nav("approvals");
    await page.locator('[data-testid^="addition-"]').first().waitFor();
    await sound("an addition that waits");
  });
}

test("a link works once, and nothing is shown without it", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
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
  // In the tab that asks for it, a fresh one changes only what stands behind `#`.
  await late.goto(await home.link());
  await late.getByTestId("nav-approvals").waitFor();
});
