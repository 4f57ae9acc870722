// The real window, which administers a provider that another `drawbridged` runs, as on another machine.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { twoProviders, until } from "./lib/nodes.mjs";
import { end, openWindow } from "./lib/window.mjs";

const run = promisify(execFile);

const byId = (id) => `[data-testid="${id}"]`;

/** What an element of the window shows; null where it is not there. */
const text = (window, selector) =>
  window.look(`return document.querySelector(${JSON.stringify(selector)})?.textContent ?? null`);

const says = (window, selector, expected) =>
  until(`${selector} says ${expected}`, async () => (await text(window, selector))?.includes(expected));

/** What is told on the desktop from now on, as it is written on the session's bus. */
function notifications(test, bus) {
  const monitor = spawn("dbus-monitor", ["interface='org.freedesktop.Notifications',member='Notify'"], {
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: bus },
    stdio: ["ignore", "pipe", "ignore"],
    detached: true,
  });
  const stop = end(test, monitor);
  let told = "";
  monitor.stdout.on("data", (piece) => {
    told += piece;
  });
  return {
    tells: (expected) => until(`the desktop is told ${expected}`, () => told.includes(expected)),
    stop,
  };
}

/** Pictures of what was reached, where somebody wants to look at them. */
async function picture(window, name) {
  const { SCREENSHOTS } = process.env;
  if (!SCREENSHOTS) return;
  const { writeFileSync } = await import("node:fs");
  writeFileSync(join(SCREENSHOTS, `${name}.png`), await window.screenshot());
}

async function pasteLink(window, link) {
  await window.type('input[name="machine-link"]', link);
  await window.click(byId("look-at-machine"));
}

test("a provider on another machine is looked after from the window", async (t) => {
  // `home` runs on the other machine, and `other` is a provider that federates with it.
  const { dir, home, other } = await twoProviders(t);
  home.pagesOverTls = true;
  const running = await home.start(t, other);
  await home.admin("create-user", { name: "alice" });
  await other.start(t, home);
  await other.admin("create-user", { name: "bob" });
  const installation = join(dir, "installation");
  const keychain = { folder: join(dir, "keychain"), password: "correct horse" };

  // There is no provider on this computer, and none is needed.
  const window = await openWindow(t, installation, { keychain });
  await window.click(byId("first-add-machine"));
  await picture(window, "add");
  await pasteLink(window, await home.link());
  await window.waitFor(byId("met-fingerprint"));
  const { fingerprint256 } = new X509Certificate(readFileSync(home.certificate));
  assert.ok((await text(window, byId("met-fingerprint"))).startsWith(fingerprint256.toLowerCase()));
  await picture(window, "compare");
  await window.click(byId("confirm-machine"));
  await says(window, byId("shown"), home.authority);
  await window.waitFor(byId("health"));
  await picture(window, "overview");

  // The keychain has the session, and no file has it.
  const { stdout, stderr } = await run("secret-tool", ["search", "--all", "service", "Drawbridge"], {
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: window.bus },
  });
  const secret = /secret = drawbridge-[0-9a-f]+=([0-9a-f]+)/.exec(stdout)?.[1];
  assert.ok(secret, stdout + stderr);
  const { stdout: found } = await run("grep", ["-rlF", secret, installation]).catch((fault) => fault);
  assert.equal(found, "", "the secret is in a file");

  // What waits there is told here, with its name, and is decided here.
  const desktop = notifications(t, window.bus);
  const { id } = await other.admin("connect", { user: "bob", to: home.user("alice") });
  await desktop.tells(`${home.authority}: ${other.authority} asks to be let in`);
  await window.click(byId("nav-approvals"));
  await window.click(`${byId(`waiting-provider-${other.authority}`)} ${byId("approve")}`);
  await window.click(`${byId(`incoming-${id}`)} ${byId("approve")}`);
  await until("the asker is connected", async () => {
    const { connections } = await other.admin("connections");
    return connections.some((connection) => connection.id === id && connection.state === "approved");
  });

  // The other machine is away for a while.
  await running.stop();
  await says(window, byId("link-lost"), "is not reached");
  await picture(window, "away");
  await home.start(t, other);
  await window.waitGone(byId("link-lost"));
  await window.waitFor(byId("nav-approvals"));

  // The session is in the list there. It is ended there, and had again by a link, with nothing to compare.
  const sessions = async () => (await home.admin("sessions")).sessions;
  const [session, ...rest] = await sessions();
  assert.match(session.browser, /^Drawbridge\//);
  assert.deepEqual(rest, []);
  await home.admin("end-session", { id: session.id });
  await says(window, byId("unreached"), "Your session");
  await picture(window, "ended");
  await desktop.tells("it is not heard from here any more");
  await pasteLink(window, await home.link());
  await window.waitGone(byId("unreached"));
  await says(window, byId("shown"), home.authority);

  // It is shown again when the window is opened next.
  await desktop.stop();
  await window.close();
  const again = await openWindow(t, installation, { keychain });
  await says(again, byId("shown"), home.authority);

  // Forgotten, it is gone from both lists.
  await again.click(byId("switcher"));
  await picture(again, "switcher");
  await again.click(byId("forget-machine"));
  await again.waitFor('[role="dialog"]');
  await again.click('[role="dialog"] button:not([data-first]):not([aria-label])');
  await again.waitFor(byId("first-add-machine"));
  assert.deepEqual(await sessions(), []);
  assert.deepEqual(JSON.parse(readFileSync(join(installation, "machines.json"), "utf8")).machines, []);
});

test("a machine that shows another certificate is sent nothing until a person trusts that", async (t) => {
  const { dir, home, other } = await twoProviders(t);
  home.pagesOverTls = true;
  const { stop } = await home.start(t, null);
  const installation = join(dir, "installation");
  const window = await openWindow(t, installation);
  await window.click(byId("first-add-machine"));
  await pasteLink(window, await home.link());
  await window.click(byId("confirm-machine"));
  await says(window, byId("shown"), home.authority);
  const before = new X509Certificate(readFileSync(home.certificate)).fingerprint256.toLowerCase();

  await stop();
  // The other provider's certificate is for the same address.
  const config = home.text(null).replace(
    /tls_cert = .*\ntls_key = .*/,
    `tls_cert = "${other.certificate}"\ntls_key = "${join(other.data, "tls-key.pem")}"`,
  );
  home.text = () => config;
  await home.start(t, null);
  const now = new X509Certificate(readFileSync(other.certificate)).fingerprint256.toLowerCase();
  await says(window, byId("unreached"), "another certificate");
  await says(window, byId("confirmed-fingerprint"), before);
  await says(window, byId("shown-fingerprint"), now);
  await picture(window, "certificate");
  await window.click(byId("trust-machine"));
  await window.waitGone(byId("unreached"));
  await says(window, byId("shown"), home.authority);
});
