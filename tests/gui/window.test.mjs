// The real window, with a provider of one's own, against another real provider.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { DESKTOP, folder, twoProviders, until } from "./lib/nodes.mjs";
import { display, end, openWindow } from "./lib/window.mjs";

const run = promisify(execFile);

/** The folder of an installation of `home`, where alice lives, which trusts `other`. */
async function installed(test, dir, home, other) {
  const { stop } = await home.start(test, other);
  await home.admin("create-user", { name: "alice" });
  await stop();
  const installation = join(dir, "installation");
  mkdirSync(installation);
  writeFileSync(join(installation, "config.toml"), home.text(other, false));
  return installation;
}

test("an approval by click in the window reaches the asker's own node", async (t) => {
  const { dir, home, other } = await twoProviders(t);
  const installation = await installed(t, dir, home, other);
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

test("a link that another program opens leads to whom it names, in the window that is open too", async (t) => {
  const { dir, home } = await twoProviders(t);
  const installation = await installed(t, dir, home, null);
  const named = (window, uri) =>
    until(`${uri} can be asked`, async () => {
      const value = "return document.querySelector('[role=dialog] input')?.value";
      return (await window.look(value)) === uri;
    });

  const window = await openWindow(t, installation, { args: ["mimi://b.example/u/bob"] });
  await named(window, "mimi://b.example/u/bob");
  await window.startAgain("mimi://b.example/u/berta");
  await named(window, "mimi://b.example/u/berta");

  // It ends in order: the data folder says that its store was closed.
  await window.startAgain("--quit");
  await until("the app has ended", () => !readFileSync(join(home.data, "provider"), "utf8").includes("open"));
});

test("the first screen offers the demo, and in it what is written is accepted", async (t) => {
  const dir = folder();
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
  // The picture of the README.
  if (process.env.SCREENSHOT) {
    await window.click('[data-testid="members"]');
    await window.waitFor('[data-testid^="member-"]');
    writeFileSync(process.env.SCREENSHOT, await window.screenshot());
  }
});

test("what an account has read is sealed under a key that the desktop's keychain keeps", async (t) => {
  const { dir, home } = await twoProviders(t);
  const installation = await installed(t, dir, home, null);
  const keychain = { folder: join(dir, "keychain"), password: "correct horse" };

  const first = await openWindow(t, installation, { keychain });
  await first.click('[data-testid="nav-conversations"]');
  await first.click('[data-testid="open-account-alice"]');
  await first.click('[data-testid="new-group"]');
  await first.type('[role="dialog"] input', "Notes");
  await first.click('[role="dialog"] button[type="submit"]');
  await first.type('[data-testid="composer"]', "The spare key is under the third pot.");
  await first.click('[data-testid="send"]');
  await first.waitFor('[data-state="accepted"]');
  assert.ok(existsSync(join(home.data, "clients.keychain")));
  assert.ok(!existsSync(join(home.data, "clients.key")));
  const search = ["search", "--all", "service", "Drawbridge"];
  const { stdout, stderr } = await run("secret-tool", search, {
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: first.bus },
  });
  assert.match(stdout + stderr, new RegExp(`accounts of ${home.authority}`));
  await first.close();

  // A keychain that does not have it: that is said, and another key is not made.
  const other = await openWindow(t, installation, {
    keychain: { folder: join(dir, "another"), password: "battery staple" },
  });
  await other.click('[data-testid="nav-conversations"]');
  await other.waitFor('[data-testid="shut-alice"]');
  const why = await other.look("return document.querySelector('[data-testid=shut-alice]').textContent");
  assert.match(why, /is not in this computer's keychain any more/);
  await other.close();

  // The right one, locked: a person is asked, and nothing but the conversations waits for that.
  const again = await openWindow(t, installation, { keychain: { folder: keychain.folder } });
  await again.click('[data-testid="nav-conversations"]');
  await again.waitFor('[data-testid="opening-alice"]');
  const prompt = ["search", "--sync", "--onlyvisible", "--class", "gcr-prompter", "windowfocus", "--sync"];
  const typed = ["key", "ctrl+a", "type", keychain.password];
  const env = { ...process.env, DISPLAY: again.display };
  await run("xdotool", [...prompt, ...typed], { env });
  await run("xdotool", ["key", "Return"], { env });
  await again.click('[data-testid^="conversation-"]');
  await again.waitFor('[data-state="accepted"]');
  const said = await again.look("return document.querySelector('[data-state=accepted]').textContent");
  assert.match(said, /under the third pot/);
});

/** The environments of all processes. */
function environments() {
  const processes = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  return processes.map((process) => {
    try {
      return readFileSync(`/proc/${process}/environ`, "utf8").split("\0");
    } catch {
      // It has ended.
      return [];
    }
  });
}

const notRoot = process.getuid() !== 0 && "only root can show a program another /sys";

test("with NVIDIA's driver and Wayland the app starts itself again with what they need", { skip: notRoot }, async (t) => {
  const dir = folder();
  const [device, module, runtime] = ["sys/class/drm/card0/device", "sys/module/nvidia", "runtime"].map((name) => {
    mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
    return join(dir, name);
  });
  symlinkSync("../../../../bus/pci/drivers/nvidia", join(device, "driver"));
  writeFileSync(join(module, "version"), "580.95.05\n");
  const home = join(dir, "home");
  const env = { ...process.env, DISPLAY: await display(t), XDG_RUNTIME_DIR: runtime, DRAWBRIDGE_HOME: home };
  const script = 'mount --bind "$1" /sys && exec "$2" --hidden';
  const inside = ["unshare", "--mount", "sh", "-c", script, "sh", join(dir, "sys"), DESKTOP];
  const session = spawn("dbus-run-session", ["--", ...inside], {
    env: { ...env, WAYLAND_DISPLAY: "wayland-of-nobody" },
    stdio: "ignore",
    detached: true,
  });
  end(t, session);
  await until("it runs with what the driver needs", () =>
    environments().some(
      (one) => one.includes(`DRAWBRIDGE_HOME=${home}`) && one.includes("__NV_DISABLE_EXPLICIT_SYNC=1"),
    ),
  );
  await until("it has opened its home", () => existsSync(home));
});
