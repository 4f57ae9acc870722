// The real window: the desktop app on a virtual display, driven through WebKit's own driver.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { DESKTOP, freePorts, until } from "./nodes.mjs";

const run = promisify(execFile);

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";

/** Ends a process, and all that it has started: a session's bus brings services of its own. */
export function end(test, child) {
  const exited = once(child, "exit");
  let ended = false;
  const stop = async () => {
    if (!ended) process.kill(-child.pid, "SIGTERM");
    ended = true;
    await exited;
  };
  test.after(stop);
  return stop;
}

/** A virtual display; returns its name. */
export async function display(test) {
  const child = spawn("Xvfb", ["-displayfd", "3", "-screen", "0", "1280x900x24", "-nolisten", "tcp"], {
    stdio: ["ignore", "ignore", "ignore", "pipe"],
    detached: true,
  });
  end(test, child);
  const [line] = await once(createInterface({ input: child.stdio[3] }), "line");
  return `:${line.trim()}`;
}

// What begins a session: a keychain with the password that it is given, where there is to be one, and then the driver.
const SESSION = `
echo "$DBUS_SESSION_BUS_ADDRESS" >"$XDG_RUNTIME_DIR/bus"
[ -z "$KEYCHAIN_PASSWORD" ] || printf %s "$KEYCHAIN_PASSWORD" | gnome-keyring-daemon --unlock --components=secrets
exec WebKitWebDriver "$@"
`;

/**
 * Opens the desktop app with the installation in `home` and the arguments `args`. With `keychain`, the desktop has one: `folder` is where its files
 * are, and `password` unlocks it, or makes it where there is none; without, it stays locked.
 */
export async function openWindow(test, home, { keychain, args = [] } = {}) {
  const runtime = join(home, "..", "runtime");
  mkdirSync(runtime, { mode: 0o700, recursive: true });
  const [port] = await freePorts(1);
  const env = {
    ...process.env,
    DISPLAY: await display(test),
    XDG_RUNTIME_DIR: runtime,
    DRAWBRIDGE_HOME: home,
    TAURI_WEBVIEW_AUTOMATION: "true",
    WEBKIT_DISABLE_DMABUF_RENDERER: "1",
    ...(keychain && { XDG_DATA_HOME: keychain.folder, KEYCHAIN_PASSWORD: keychain.password ?? "" }),
  };
  const session = ["--", "sh", "-c", SESSION, "session", `--port=${port}`];
  const driver = spawn("dbus-run-session", session, { env, stdio: "ignore", detached: true });
  const stop = end(test, driver);
  const call = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  await until("the driver answers", () => call("GET", "/status").catch(() => null));
  const { sessionId } = await call("POST", "/session", {
    capabilities: { alwaysMatch: { "webkitgtk:browserOptions": { binary: DESKTOP, args } } },
  });
  let closed;
  const close = () => (closed ??= call("DELETE", `/session/${sessionId}`).catch(() => {}).then(stop));
  test.after(close);
  const at = (path) => `/session/${sessionId}${path}`;
  const find = async (selector) => {
    const found = await call("POST", at("/elements"), { using: "css selector", value: selector });
    return found[0]?.[ELEMENT];
  };
  const bus = readFileSync(join(runtime, "bus"), "utf8").trim();
  return {
    display: env.DISPLAY,
    /** The address of the session's bus. */
    bus,
    /** Starts the app once more in the same session, and returns when that has ended, as it does where one runs. */
    startAgain: (...args) => run(DESKTOP, args, { env: { ...env, DBUS_SESSION_BUS_ADDRESS: bus } }),
    /** Ends the app and its session. */
    close,
    /** Waits for an element and clicks it. */
    async click(selector) {
      await until(`${selector} can be clicked`, async () => {
        const element = await find(selector);
        if (!element) return false;
        return call("POST", at(`/element/${element}/click`), {}).then(() => true, () => false);
      });
    },
    /** Waits for an element and types into it. */
    async type(selector, text) {
      const element = await until(`${selector} is there`, () => find(selector));
      await call("POST", at(`/element/${element}/value`), { text });
    },
    /** What a piece of script finds in the page. */
    look: (script) => call("POST", at("/execute/sync"), { script, args: [] }),
    /** Waits until an element is there, or is gone. */
    waitFor: (selector) => until(`${selector} is there`, () => find(selector)),
    waitGone: (selector) => until(`${selector} is gone`, async () => !(await find(selector))),
    /** What the window shows, as a PNG. */
    screenshot: async () => Buffer.from(await call("GET", at("/screenshot")), "base64"),
  };
}
