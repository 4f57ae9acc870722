// The pages are within reach of everybody: at any size of letters, in the system's few colours, and by keyboard alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, open, wide } from "./lib/browser.mjs";
import { daemon, folder } from "./lib/nodes.mjs";
import { openGroup, SCREENS, tour } from "./lib/tour.mjs";

const here = (page) => page.evaluate(() => document.activeElement?.outerHTML.slice(0, 120) ?? "nothing");
const isLost = (page) => page.evaluate(() => document.activeElement === document.body);

for (const [width, height] of [
  [1280, 800],
  [640, 400],
  [390, 844],
  [320, 640],
  [900, 600],
]) {
  test(`no screen scrolls sideways at ${width} × ${height}`, async (t) => {
    const { link } = await daemon(t, ["demo", "--home", folder()]);
    const { page } = await open(t, link, { viewport: { width, height } });
    const { nav } = tour(page);
    const fits = async (what) => assert.deepEqual(await wide(page), [], what);
    await page.getByTestId("nav-overview").waitFor();
    for (const screen of SCREENS) {
      await nav(screen);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await fits(screen);
    }
    // What the demo calls a provider stands beside its address, also where a row has no columns.
    await nav("peers");
    await page.locator('[data-testid^="peer-"]').first().getByText(/^(beta|gamma)$/).waitFor();
    const { conversations } = await ask(page, "conversations", { user: "alice" });
    const group = conversations[0].group;
    await ask(page, "send-message", { user: "alice", group, text: `${"a".repeat(3_000)}\n\n\`\`\`\n${"b ".repeat(90)}\n\`\`\`` });
    const { peers } = await ask(page, "peers");
    for (const [what, place] of [
      ["a peer", `/peers?open=${encodeURIComponent(peers[0].provider)}`],
      ["a group", `/groups?open=${encodeURIComponent(group)}`],
      ["a conversation", `/conversations?user=alice&open=${encodeURIComponent(group)}`],
      ["the guide", "/guide"],
    ]) {
      await page.evaluate((hash) => window.location.assign(`#${hash}`), place);
      await page.getByRole("heading", { level: 2 }).first().waitFor();
      if (what === "a conversation") await page.getByRole("article").last().waitFor();
      assert.deepEqual((await wide(page)).filter((each) => !each.startsWith("pre ")), [], what);
    }
    await nav("traffic");
    await page.getByTestId("traffic-row").first().click();
    await page.getByRole("complementary").waitFor();
    await fits("a request");
    for (const [screen, button] of [
      ["peers", "Add a provider"],
      ["approvals", "Ask for a connection"],
      ["conversations", "New group"],
      ["accounts", "New account"],
    ]) {
      await nav(screen);
      await page.getByRole("button", { name: button }).first().click();
      await page.getByRole("dialog").waitFor();
      await fits(`${screen}: ${button}`);
      await page.keyboard.press("Escape");
      await page.getByRole("dialog").waitFor({ state: "detached" });
    }
  });
}

test("in forced colours, switches keep their knob, and where one is can be seen", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page } = await open(t, link, { forcedColors: "active" });
  const { nav, talk } = tour(page);
  const ground = (locator) => locator.evaluate((element) => getComputedStyle(element).backgroundColor);
  const differs = async (a, b, what) => assert.notEqual(await ground(a), await ground(b), what);

  await nav("settings");
  for (const each of await page.getByRole("switch").all()) {
    await differs(each, each.locator(":scope > *"), await each.getAttribute("id"));
  }
  await differs(page.getByTestId("nav-settings"), page.getByTestId("nav-peers"), "the current screen");
  await differs(page.getByTestId("demo-look-alpha"), page.getByTestId("demo-look-beta"), "the provider that is shown");
  await nav("traffic");
  await differs(page.getByRole("radio", { name: "Both ways" }), page.getByRole("radio").last(), "a direction");
  const errors = page.getByRole("button", { name: "Errors", exact: true });
  const before = await ground(errors);
  await errors.click();
  assert.notEqual(await ground(errors), before, "a filter that is on");
  await talk("alice", "Book club");
  const current = page.locator('[data-testid^="conversation-"][aria-current="true"]');
  await differs(current, page.getByTestId("new-group"), "the conversation that is open");
  await openGroup(page, "Book club");
  const row = page.locator('[role="row"][data-open="true"]');
  assert.equal(await row.evaluate((element) => getComputedStyle(element).outlineStyle), "solid", "the group that is open");
  await page.keyboard.press("Control+k");
  const options = page.getByRole("option");
  await differs(options.first(), options.nth(1), "the command that is chosen");
});

test("the keyboard's place is not lost when a dialog closes, a row goes or a screen changes", async (t) => {
  const { link } = await daemon(t, ["demo", "--home", folder()]);
  const { page } = await open(t, link);
  const { nav } = tour(page);
  const kept = async (what) => {
    // What goes away takes the focus with it at once; what gives it back may take a turn.
    await page.waitForFunction(() => document.activeElement !== document.body, null, { timeout: 10_000 }).catch(() => {});
    assert.equal(await isLost(page), false, `${what}: ${await here(page)}`);
  };
  await page.getByTestId("nav-overview").waitFor();

  // A screen that changes under what had the focus.
  for (const [keys, title] of [["g a", "Approvals"], ["g p", "Peers"], ["g g", "Groups"], ["g t", "Traffic"], ["g c", "Conversations"], ["g u", "Accounts"], ["g s", "Settings"], ["g o", "Overview"]]) {
    await page.getByRole("main").locator("button, [tabindex='0']").first().focus();
    for (const key of keys.split(" ")) await page.keyboard.press(key);
    await page.getByRole("heading", { level: 1, name: title }).waitFor();
    await kept(title);
    assert.equal(await page.evaluate(() => document.activeElement?.closest("main") !== null), true, `${title}: ${await here(page)}`);
  }

  // A dialog, closed by key: back to what opened it.
  for (const [screen, button] of [["peers", "Add a provider"], ["approvals", "Ask for a connection"], ["conversations", "New group"], ["accounts", "New account"]]) {
    await nav(screen);
    const opener = page.getByRole("button", { name: button }).first();
    await opener.focus();
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await kept(button);
    assert.equal(await opener.evaluate((element) => element === document.activeElement), true, `${button}: ${await here(page)}`);
  }

  // The palette, from a place and back to it.
  await nav("peers");
  const row = page.locator("[data-row-open]").first();
  await row.focus();
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("combobox").waitFor({ state: "detached" });
  await kept("the palette");
  assert.equal(await row.evaluate((element) => element === document.activeElement), true, await here(page));

  // Details, opened and closed by key.
  await page.keyboard.press("Enter");
  await page.getByRole("complementary").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("complementary").waitFor({ state: "detached" });
  await kept("details");

  // Details where there is no room beside the list: nothing under them has the focus, and a click beside closes them.
  await page.setViewportSize({ width: 900, height: 600 });
  await tour(page).talk("alice", "Book club");
  await page.getByTestId("members").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("complementary").waitFor();
  for (let step = 0; step < 20; step += 1) {
    await page.keyboard.press("Tab");
    const isUnder = await page.evaluate(() => document.activeElement?.closest("main [inert]") !== null);
    assert.equal(isUnder, false, await here(page));
  }
  await page.getByTestId("beside-drawer").click({ position: { x: 20, y: 20 } });
  await page.getByRole("complementary").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.activeElement?.dataset.testid === "members");
  await page.setViewportSize({ width: 1280, height: 800 });

  // A row that is decided, and with it the button that decided it.
  await nav("approvals");
  const request = page.locator('[data-testid^="waiting-provider-"]');
  await request.getByTestId("approve").first().focus();
  await page.keyboard.press("Enter");
  await request.waitFor({ state: "detached" });
  await kept("a row that was decided");
});
