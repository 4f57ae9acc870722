// From nothing to two providers that know each other, by the first screen, the card and a click.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { ask, open } from "./lib/browser.mjs";
import { daemon, folder, freePorts, until } from "./lib/nodes.mjs";

/** Starts a program without an installation, and opens its first screen. */
async function firstScreen(test, home, options) {
  const [admin] = await freePorts(1);
  const { link } = await daemon(test, ["run", "--home", home, "--listen", `127.0.0.1:${admin}`]);
  return open(test, link, options);
}

/** Gives the answers, and confirms what has to be confirmed. */
async function setUp(page) {
  const begin = page.getByRole("button", { name: "Set up", exact: true });
  const isSetUp = page.getByTestId("nav-overview");
  const unconfirmed = page.getByRole("checkbox", { name: "It is meant so", checked: false });
  do {
    while ((await unconfirmed.count()) > 0) await unconfirmed.first().click();
    await begin.click();
    await unconfirmed.or(isSetUp).first().waitFor();
  } while (!(await isSetUp.isVisible()));
}

test("two providers are set up on the first screen, and let each other in by their cards", async (t) => {
  const dir = folder();
  const [port, other, ...clients] = await freePorts(4);
  // Another run of the tests is offered the same port for clients.
  const takeClients = (shown, at) => shown.getByLabel("Address for clients of your own").fill(`127.0.0.1:${at}`);
  const { page, faults } = await firstScreen(t, join(dir, "home"));
  await page.getByRole("radio", { name: "In this network only" }).check();
  const name = page.getByLabel("Name of the provider");
  const account = page.getByLabel("First account");

  // What a newcomer types is read, and the right form is offered.
  await name.fill(`https://127.0.0.1:${port}/`);
  await account.fill("Alice");
  await takeClients(page, clients[0]);
  await account.blur();
  await page.getByRole("button", { name: `Use 127.0.0.1:${port}` }).click();
  await page.getByRole("button", { name: "Use alice" }).click();
  assert.equal(await name.inputValue(), `127.0.0.1:${port}`);
  assert.equal(await account.inputValue(), "alice");
  // Where it listens follows from the name.
  assert.equal(await page.getByLabel("Address to listen on").getAttribute("placeholder"), `0.0.0.0:${port}`);
  await page.getByText(`You will be mimi://127.0.0.1:${port}/u/alice`).waitFor();
  await setUp(page);
  assert.equal(await page.getByRole("heading", { level: 1 }).count(), 1);

  const second = await firstScreen(t, join(dir, "other"));
  await second.page.getByRole("radio", { name: "In this network only" }).check();
  await second.page.getByLabel("Name of the provider").fill(`127.0.0.1:${other}`);
  // A port that somebody has is no place to listen.
  await second.page.getByLabel("Address to listen on").fill(`127.0.0.1:${port}`);
  await second.page.getByLabel("First account").fill("bob");
  await takeClients(second.page, clients[1]);
  await second.page.getByLabel("First account").blur();
  await second.page.getByText(`Another program has port ${port}`).waitFor();
  await second.page.getByLabel("Address to listen on").fill("");
  await setUp(second.page);

  // Each gives its card to the other, who sees by what it is known.
  const cardOf = async (shown) => {
    await shown.getByTestId("nav-peers").click();
    await shown.getByTestId("own-card").click();
    const link = await shown.getByTestId("card-link").textContent();
    await shown.keyboard.press("Escape");
    await shown.getByRole("dialog").waitFor({ state: "detached" });
    return link;
  };
  const cards = [await cardOf(page), await cardOf(second.page)];
  for (const [shown, card] of [
    [page, cards[1]],
    [second.page, cards[0]],
  ]) {
    await shown.getByRole("button", { name: "Add a provider" }).click();
    const dialog = shown.getByRole("dialog");
    await dialog.getByRole("textbox").fill(card);
    const read = dialog.getByTestId("card-read");
    await read.waitFor();
    const said = await read.textContent();
    const { key, certificate } = Object.fromEntries(new URL(card).searchParams);
    assert.ok(said.includes(key), said);
    assert.ok(said.replaceAll(":", "").toLowerCase().includes(certificate), said);
    await dialog.getByRole("button", { name: "Let in" }).click();
    await dialog.waitFor({ state: "detached" });
  }

  // And it works, by what the provider itself finds.
  await until("each has the other's word that it is let in", async () => {
    const { peers } = await ask(page, "peers", {});
    return peers.some(({ provider, state, their_state }) => provider === `127.0.0.1:${other}` && state === "allowed" && their_state === "allowed");
  });
  assert.deepEqual([...faults, ...second.faults], []);
});
