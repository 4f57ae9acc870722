// The real window, with a provider of one's own, against another real provider.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { folder, twoProviders, until } from "./lib/nodes.mjs";
import { openWindow } from "./lib/window.mjs";

test("an approval by click in the window reaches the asker's own node", async (t) => {
  const { dir, home, other } = await twoProviders(t);
  const { stop } = await home.start(t, other);
  await home.admin("create-user", { name: "alice" });
  await stop();
  const installation = join(dir, "installation");
  mkdirSync(installation);
  writeFileSync(join(installation, "config.toml"), home.text(other, false));

  await other.start(t, home);
  await other.admin("create-user", { name: "bob" });
  const window = await openWindow(t, installation);
  await window.click('[data-testid="nav-approvals"]');
  const { id } = await other.admin("connect", { user: "bob", to: home.user("alice") });
  await window.click(`[data-testid="waiting-provider-${other.authority}"] [data-testid="approve"]`);
  await window.click(`[data-testid="incoming-${id}"] [data-testid="approve"]`);
  await window.waitGone(`[data-testid="incoming-${id}"]`);
  await until("the asker is connected", async () => {
    const { connections } = await other.admin("connections");
    return connections.some((connection) => connection.id === id && connection.state === "approved");
  });
});

test("the first screen offers the demo, and in it what is written is accepted", async (t) => {
  const dir = folder(t);
  const window = await openWindow(t, join(dir, "installation"));
  await window.click('[data-testid="start-demo"]');
  await window.click('[data-testid="nav-approvals"]');
  await window.waitFor('[data-testid^="waiting-provider-"]');
  await window.waitFor('[data-testid^="incoming-"]');

  // carol's group at gamma has alice in it, and people talk there.
  await window.click('[data-testid="nav-conversations"]');
  await window.click('[data-testid^="conversation-"]');
  await window.type('[data-testid="composer"]', "I have read it twice.");
  await window.click('[data-testid="send"]');
  await window.waitFor('[data-state="accepted"]');
  const said = await window.look("return document.querySelector('[data-state=accepted]').textContent");
  assert.match(said, /I have read it twice\./);
  if (process.env.SCREENSHOT) writeFileSync(process.env.SCREENSHOT, await window.screenshot());
});
