// Real providers on loopback, each a `drawbridged` process of its own.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const run = promisify(execFile);

export const DAEMON = resolve(process.env.DRAWBRIDGED_BIN ?? "../../target/debug/drawbridged");
export const DESKTOP = resolve(process.env.DRAWBRIDGE_BIN ?? "../../target/debug/drawbridge");

/** Asks again until `look` finds something; fails after a time that only a fault can take. */
export async function until(what, look, deadlineMs = 90_000) {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`it did not come about: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

// Each file's tests run in a process of their own, and begin elsewhere.
let given = process.pid * 61;

/**
 * Ports that nobody listens on, and that were given to nobody before. They are outside the range that outgoing connections
 * are given theirs from, so they stay free while a node that had one is stopped.
 */
export async function freePorts(count) {
  const ports = [];
  while (ports.length < count) {
    const port = 10_000 + (given++ % 22_000);
    const server = createServer();
    const isFree = await new Promise((done) => {
      server.once("error", () => done(false));
      server.listen(port, "127.0.0.1", () => server.close(() => done(true)));
    });
    if (isFree) ports.push(port);
  }
  return ports;
}

/** A folder that is removed at the end of the file's tests: what they have started writes in it until it has ended. */
export function folder() {
  const dir = mkdtempSync(join(tmpdir(), "drawbridge-test-"));
  // The services that a session's bus has started may still write while they end.
  process.on("exit", () => rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  return dir;
}

/** One provider. */
export class Provider {
  constructor(dir, name, port, adminPort) {
    Object.assign(this, { dir, name, adminPort, authority: `127.0.0.1:${port}` });
    this.config = join(dir, `${name}.toml`);
    this.data = join(dir, name);
    this.certificate = join(this.data, "tls-cert.pem");
    /** Whether its pages are served with that certificate too, for other machines. */
    this.pagesOverTls = false;
  }

  user(name) {
    return `mimi://${this.authority}/u/${name}`;
  }

  /** The configuration, trusting the certificate of `other`. */
  text(other, withAdmin = true) {
    const roots = other ? `extra_roots = "${other.certificate}"\n` : "";
    const tls = `tls_cert = "${this.certificate}"\ntls_key = "${join(this.data, "tls-key.pem")}"\n`;
    const admin = withAdmin
      ? `[admin]\nlisten = "127.0.0.1:${this.adminPort}"\n${this.pagesOverTls ? tls : ""}`
      : "";
    return (
      `provider = "${this.authority}"\ndata_dir = "${this.data}"\n[mtp]\nlisten = "${this.authority}"\n${admin}` +
      `[peers]\nallow_networks = ["127.0.0.0/8"]\n${roots}`
    );
  }

  /** Starts it and returns the link for a browser. */
  async start(test, other) {
    writeFileSync(this.config, this.text(other));
    return daemon(test, ["serve", "--config", this.config]);
  }

  /** A fresh link of the running node. */
  async link() {
    const { stdout } = await run(DAEMON, ["link", "--config", this.config]);
    return stdout.trim();
  }

  /** What is said of a backup. */
  async check(backup) {
    const { stdout } = await run(DAEMON, ["restore", "--config", this.config, "--check", backup]);
    return stdout;
  }

  /** Asks the running node. */
  async admin(command, request = {}) {
    const { stdout } = await run(DAEMON, ["admin", "--config", this.config, command, JSON.stringify(request)]);
    return JSON.parse(stdout);
  }
}

/** Runs `drawbridged` and returns its link, its process, and how to end it in order or at once. */
export async function daemon(test, args) {
  const child = spawn(DAEMON, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const stop = async () => {
    child.kill("SIGTERM");
    // One that a test has made to hang could not end.
    child.kill("SIGCONT");
    await exited;
  };
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  test.after(stop);
  for await (const line of createInterface({ input: child.stdout })) {
    const link = line.match(/^open (\S+)/)?.[1];
    if (link) return { link, stop, kill, process: child };
  }
  throw new Error(`drawbridged ${args.join(" ")} ended before it was ready`);
}

/** Two providers that trust each other's certificates: those are made by a first start. */
export async function twoProviders(test) {
  const dir = folder();
  const ports = await freePorts(4);
  const home = new Provider(dir, "home", ports[0], ports[1]);
  const other = new Provider(dir, "other", ports[2], ports[3]);
  for (const provider of [home, other]) {
    const { stop } = await provider.start(test, null);
    await stop();
    if (!existsSync(provider.certificate)) throw new Error("no certificate was made");
  }
  return { dir, home, other };
}
