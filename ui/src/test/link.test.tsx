import { act, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Session } from "@/bindings/Session";
import { AdminError } from "@/platform";
import { at, failingPeer, peer, TestNode } from "./node";
import { open } from "./render";

function session(id: string): Session {
  return { id, browser: `Browser ${id}`, created: at(-60_000), seen: at(-5_000) };
}

describe("the connection to the node", () => {
  it("is missed in words, and heals by itself", async () => {
    const node = new TestNode();
    open(node);
    await screen.findByTestId("health");
    act(() => node.lose());
    expect(await screen.findByText("The connection to the node is lost.")).toBeInTheDocument();

    // What was well before is not said to be while nobody knows.
    expect(await screen.findByText("The node is not heard.")).toBeInTheDocument();
    expect(screen.queryByText(/All is well/)).toBeNull();

    node.peers = [peer("beta.example")];
    node.health = { code: "well", grade: "well", about: null, count: 1, of: 1 };
    act(() => node.heal());
    await waitFor(() => expect(screen.queryByTestId("link-lost")).toBeNull());
    // What was missed meanwhile is there without a reload.
    expect(await screen.findByText("All is well. One provider federates with you.")).toBeInTheDocument();
  });

  it("asks for the token, takes a whole link, and goes on", async () => {
    const node = new TestNode();
    node.locked = true;
    const { person } = open(node);
    const field = await screen.findByLabelText("Token or link");
    await person.type(field, "wrong");
    await person.click(screen.getByRole("button", { name: "Open" }));
    expect(await screen.findByText("This is not the token.")).toBeInTheDocument();
    await person.clear(field);
    await person.type(field, "used");
    await person.click(screen.getByRole("button", { name: "Open" }));
    // Each refusal says its own reason.
    expect(await screen.findByText("This link was used before.")).toBeInTheDocument();
    await person.clear(field);
    await person.type(field, "http://127.0.0.1:9103/#token=right");
    await person.click(screen.getByRole("button", { name: "Open" }));
    expect(await screen.findByTestId("health")).toBeInTheDocument();
    expect(node.entered).toEqual(["wrong", "used", "right"]);
  });

  it("says why the link of this page was not taken, and that a session was ended", async () => {
    const node = new TestNode();
    node.locked = true;
    node.entrance.refused = new AdminError("token-used", "this link was used before");
    open(node);
    expect(await screen.findByText("This link was used before.")).toBeInTheDocument();
    act(() => node.lock(new AdminError("session-ended", "this browser's session was ended")));
    expect(await screen.findByTestId("session-ended")).toHaveTextContent("This browser's session was ended.");
  });

  it("lists the browsers that may use it, and ends one", async () => {
    const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    const node = new TestNode();
    node.answers.sessions = () => ({ sessions: [session("one"), { ...session("two"), browser: firefox }] });
    const { person } = open(node, "/settings");
    const own = await screen.findByTestId("session-one");
    await waitFor(() => expect(own).toHaveTextContent("This one:"));
    const other = await screen.findByTestId("session-two");
    expect(other).not.toHaveTextContent("This one:");
    expect(within(other).getByText("Firefox on Linux")).toBeInTheDocument();
    expect(within(other).getByTitle(firefox)).toHaveTextContent(firefox);
    await person.click(within(other).getByRole("button", { name: "End Firefox on Linux" }));
    await person.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "End" }));
    expect(node.requests("end-session")).toEqual([{ id: "two" }]);
    await person.click(screen.getByTestId("end-others"));
    const dialog = await screen.findByRole("dialog", { name: "End 1 other browser's session?" });
    await person.click(within(dialog).getByRole("button", { name: "End all others" }));
    expect(node.requests("end-other-sessions")).toEqual([{ keep: "one" }]);
  });

  it("gives a link for another device, says when it ends, and who came by it", async () => {
    const phone = "Mozilla/5.0 (Android 16; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0";
    const node = new TestNode();
    let sessions = [session("one")];
    let made = 0;
    const [own] = node.ourselves.certificates;
    if (own !== undefined)
      node.ourselves.certificates.push({ ...own, section: "admin", fingerprint: "12:34" });
    node.answers.sessions = () => ({ sessions });
    node.answers["link-device"] = () => {
      made += 1;
      return {
        places: ["https://drawbridge.home.example", "https://192.168.1.2:9103"].map((origin, index) => ({
          origin,
          link: `${origin}/#token=t${made}`,
          qr: { size: 33, path: "M4 4h1v1h-1z" },
          reached: index === 0,
          self_signed: index === 1,
        })),
        // The first is over as soon as it comes.
        ends: at(made === 1 ? -1_000 : 600_000),
        obstacle: null,
        listen: "0.0.0.0:9103",
      };
    };
    const { person } = open(node, "/settings");
    await person.click(await screen.findByTestId("other-device"));
    const dialog = await screen.findByRole("dialog", { name: "Open on another device" });
    await within(dialog).findByTestId("device-link-over");
    expect(within(dialog).queryByTestId("device-link")).toBeNull();
    await person.click(within(dialog).getByRole("button", { name: "Make another" }));
    const link = await within(dialog).findByTestId("device-link");
    expect(link).toHaveTextContent("https://drawbridge.home.example/#token=t2");
    expect(within(dialog).getByRole("img", { name: "The link as a QR code" })).toBeInTheDocument();
    expect(dialog).toHaveTextContent(/It works once.*in \d+ min/);
    expect(dialog).not.toHaveTextContent(/signed itself/);
    await person.selectOptions(within(dialog).getByLabelText("Address"), "https://192.168.1.2:9103");
    expect(link).toHaveTextContent("https://192.168.1.2:9103/#token=t2");
    expect(dialog).toHaveTextContent(/signed itself.*does not reach that address/);
    expect(within(dialog).getByTestId("device-certificate")).toHaveTextContent("12:34");
    expect(node.requests("link-device")[0]).toEqual({ origin: window.location.origin });

    sessions = [{ ...session("two"), browser: phone }, ...sessions];
    node.emit({ type: "settings" });
    expect(await within(dialog).findByTestId("device-let-in")).toHaveTextContent(
      "Firefox on Android is let in.",
    );
    expect(within(dialog).queryByTestId("device-link")).toBeNull();
  });

  it("says what is in the way of another device, and gives the link for this computer without a code", async () => {
    const node = new TestNode();
    node.answers["link-device"] = () => ({
      places: [
        {
          origin: "http://127.0.0.1:9103",
          link: "http://127.0.0.1:9103/#token=t",
          qr: null,
          reached: true,
          self_signed: false,
        },
      ],
      ends: at(600_000),
      obstacle: "loopback",
      listen: "127.0.0.1:9103",
    });
    open(node, "/settings?do=device");
    const dialog = await screen.findByRole("dialog", { name: "Open on another device" });
    expect(await within(dialog).findByTestId("device-obstacle")).toHaveTextContent(
      /listen at 127\.0\.0\.1:9103 alone.*\[admin\].*tls_cert/,
    );
    expect(within(dialog).getByRole("link", { name: /reached from a phone/ })).toHaveAttribute(
      "href",
      expect.stringContaining("the-pages-on-a-phone"),
    );
    expect(within(dialog).getByTestId("device-link")).toHaveTextContent("http://127.0.0.1:9103/#token=t");
    expect(within(dialog).queryByRole("img")).toBeNull();
  });

  it("reads anew what an event names, and everything after a gap or in another run", async () => {
    const node = new TestNode();
    node.peers = [peer("beta.example")];
    open(node, "/peers");
    await screen.findByTestId("peer-beta.example");

    node.peers = [failingPeer("beta.example")];
    node.emit({ type: "peers" });
    expect(await screen.findByTestId("peer-trouble")).toHaveTextContent(
      /Connection: beta.example refused.*next try/,
    );

    const before = node.requests("approvals").length;
    node.emit({ type: "settings" }, { skip: 5 });
    await waitFor(() => expect(node.requests("approvals").length).toBeGreaterThan(before));

    const again = node.requests("approvals").length;
    node.emit({ type: "settings" }, { incarnation: "two" });
    await waitFor(() => expect(node.requests("approvals").length).toBeGreaterThan(again));
  });

  it("leaves the first screen when the demo runs", async () => {
    const node = new TestNode();
    node.mode = "new";
    node.answers["start-demo"] = () => {
      node.mode = "demo";
      return {};
    };
    const { person } = open(node);
    await person.click(await screen.findByTestId("start-demo"));
    expect(await screen.findByTestId("demo-node-beta")).toBeInTheDocument();
    await person.click(screen.getByTestId("demo-ask"));
    expect(node.requests("demo-ask")).toEqual([
      { from: "mimi://beta.example/u/bob", to: "mimi://alpha.example/u/alice" },
    ]);
    await person.click(screen.getByTestId("demo-node-beta"));
    expect(node.requests("run-demo-node")).toEqual([{ name: "beta", running: false }]);
  });
});
