import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { AddressHook } from "@/bindings/AddressHook";
import type { Router } from "@/bindings/Router";
import { at, failingPeer, peer, TestNode, traffic } from "./node";
import { open } from "./render";

describe("what the overview says of the node itself", () => {
  const fact = async (name: string) => {
    const term = await screen.findByText(name, { selector: "dt" });
    return within(term.nextElementSibling as HTMLElement);
  };

  it("does not hold its name to be found before it was looked up", async () => {
    const node = new TestNode();
    node.ourselves = { ...node.ourselves, name: "unlooked", looked: null };
    open(node);
    const name = await fact("Its name");
    expect(name.getByText("not looked up yet")).toBeInTheDocument();
    expect(name.queryByText("leads to an address")).toBeNull();
    expect(name.queryByText(/ago|now/)).toBeNull();
  });

  it("says that peers run a newer version, and which this is", async () => {
    const node = new TestNode();
    node.newer = { version: "0.3.0", peers: 2 };
    open(node);
    const version = await screen.findByText("Version", { selector: "dt" });
    expect(version.nextElementSibling).toHaveTextContent(/0\.1\.0\s*2 peers run a newer one, up to 0\.3\.0/);
  });

  it("puts no tick beside an address that only this computer reaches", async () => {
    const node = new TestNode();
    const text =
      "it is at 127.0.0.1, which is this computer's own address: other computers cannot reach it there";
    node.ourselves = { ...node.ourselves, name_text: text };
    open(node);
    const name = await fact("Its name");
    expect(name.getByText("leads only to this computer")).toHaveClass("text-accent");
    expect(name.getByText(text)).toBeInTheDocument();
    expect(name.queryByText("leads to an address")).toBeNull();
  });

  it("says where others are led to another port than it listens on, and else nothing of ports", async () => {
    const node = new TestNode();
    node.mode = "own";
    node.ourselves = { ...node.ourselves, named_port: 443, listening_port: 9506 };
    const { unmount } = open(node);
    const port = await fact("Its port");
    expect(port.getByText(/led to 443, and this node listens on 9506/)).toBeInTheDocument();
    unmount();
    open(new TestNode());
    await fact("Its name");
    expect(screen.queryByText("Its port")).toBeNull();
  });

  it("says how it goes with a certificate by ACME, and where none is configured nothing", async () => {
    const node = new TestNode();
    const issuance = {
      directory: "https://acme.example/directory",
      challenge: "http-01",
      text: "",
      is_ordering: false,
      issued: null,
      next: at(3_600_000),
      failure: {
        code: "acme-challenge",
        text: "the directory could not check that home.example is here: connection refused",
        first: at(-60_000),
        last: at(-60_000),
      },
    };
    node.ourselves = { ...node.ourselves, issuance };
    const { unmount } = open(node);
    const failing = await fact("Certificate by ACME");
    expect(failing.getByText("not got")).toHaveClass("text-bad");
    expect(failing.getByText(issuance.failure.text)).toBeInTheDocument();
    expect(failing.getByText(/^tried/)).toBeInTheDocument();
    fireEvent.click(failing.getByRole("button", { name: "Try to get it now" }));
    await waitFor(() => expect(node.requests("try-issuance")).toEqual([{}]));
    unmount();
    const well = new TestNode();
    well.ourselves = { ...well.ourselves, issuance: { ...issuance, failure: null, issued: at(-60_000) } };
    const shown = open(well);
    const got = await fact("Certificate by ACME");
    expect(got.getByText("got")).toHaveClass("text-ok");
    expect(got.getByText(/^renewed/)).toBeInTheDocument();
    shown.unmount();
    open(new TestNode());
    await fact("Its name");
    expect(screen.queryByText("Certificate by ACME")).toBeNull();
  });

  it("says what the router and the command for a changed address came to, and where neither is asked nothing", async () => {
    const node = new TestNode();
    node.mode = "own";
    const router: Router = {
      text: "The router leads port 443 to another computer already, 192.168.1.9.",
      router: "192.168.1.1",
      by: "upnp",
      external: "11.22.33.2",
      ports: [{ external: 443, local: 8443, is_open: false, until: null }],
      looked: at(-60_000),
      next: at(60_000),
      trouble: "router-port-taken",
    };
    const address_hook: AddressHook = {
      told_v4: null,
      told_v6: null,
      at: null,
      failure: "the command /etc/dns has failed: exit status: 3 (no such zone)",
      next: at(60_000),
    };
    node.ourselves = { ...node.ourselves, listening_port: 8443, router, address_hook };
    const { unmount } = open(node);
    const failing = await fact("Router");
    expect(failing.getByText("does not lead here")).toBeInTheDocument();
    expect(failing.getByText(router.text)).toHaveClass("text-bad");
    expect(failing.getByText(/^asked again/)).toBeInTheDocument();
    expect((await fact("Changed address")).getByText(address_hook.failure ?? "")).toHaveClass("text-bad");
    expect(await fact("Its port")).toBeDefined();
    unmount();

    const well = new TestNode();
    well.mode = "own";
    const open443 = { external: 443, local: 8443, is_open: true, until: at(3_600_000) };
    well.ourselves = {
      ...well.ourselves,
      listening_port: 8443,
      router: {
        ...router,
        text: "The router leads port 443 of 11.22.33.2 here.",
        ports: [open443],
        trouble: null,
      },
      address_hook: { ...address_hook, told_v4: "11.22.33.2", at: at(-60_000), failure: null, next: null },
    };
    const shown = open(well);
    const led = await fact("Router");
    expect(led.getByText("leads here")).toHaveClass("text-ok");
    expect((await fact("Changed address")).getByText("11.22.33.2")).toBeInTheDocument();
    expect(screen.queryByText("Its port"), "the router forwards it").toBeNull();
    shown.unmount();
    open(new TestNode());
    await fact("Its name");
    expect(screen.queryByText("Router")).toBeNull();
    expect(screen.queryByText("Changed address")).toBeNull();
  });

  it("calls a provider of the demo by its name too", async () => {
    const node = new TestNode();
    node.health = { code: "peers-unreachable", grade: "bad", about: "beta.example", count: 1, of: 2 };
    open(node);
    const health = await screen.findByTestId("health");
    await waitFor(() => expect(health).toHaveTextContent("beta.example (beta) cannot be reached"));
  });

  it("names the client that runs out of keys, and what to do", async () => {
    const node = new TestNode();
    const about = "mimi://alpha.example/u/ann/d/phone";
    node.health = { code: "stock-spent", grade: "warn", about, count: 1, of: 1 };
    open(node);
    const health = await screen.findByTestId("health");
    expect(health).toHaveTextContent("The client phone of ann has no fresh key left");
    expect(health).toHaveTextContent("Start each of them: it makes new keys by itself.");
  });
});

describe("what the overview says of the peers and the pulls", () => {
  it("marks neither direction as well where a peer cannot be reached", async () => {
    const node = new TestNode();
    const { standing, troubles } = failingPeer("beta.example");
    // It pulls from here, and our next try is under way.
    node.peers = [peer("beta.example", { standing, troubles })];
    open(node);
    const map = await screen.findByRole("region", { name: "Federation" });
    expect(await within(map).findByText("Not reachable")).toHaveAttribute(
      "class",
      expect.stringMatching("bad"),
    );
    expect(within(map).getByRole("img", { name: "we pull them: trying again" })).toBeInTheDocument();
    expect(map.innerHTML).not.toMatch(/text-ok|var\(--ok\)/);
  });

  const ended = (id: number, over: Parameters<typeof traffic>[1]) =>
    traffic(id, { at: at(-20_000), duration_ms: 5, ...over });

  it("says apart how many pulls were answered and how many failed", async () => {
    const node = new TestNode();
    const failed = { direction: "out" as const, status: null, stage: "connect" as const };
    node.traffic = [ended(1, failed), ended(2, failed)];
    open(node);
    const now = await screen.findByTestId("rate-now");
    await waitFor(() => expect(now).toHaveTextContent("0 answered, 2 failed in the last minute"));
    expect(
      screen.getByText("No pull has been answered in the last 5 min: 2 have failed."),
    ).toBeInTheDocument();
    node.emit({ type: "traffic", records: [ended(3, {})] });
    await waitFor(() => expect(now).toHaveTextContent("1 answered, 2 failed in the last minute"));
    expect(screen.queryByText(/No pull has been answered/)).toBeNull();
  });
});
