import { act, screen, waitFor, within } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Status } from "@/bindings/Status";
import { toast } from "@/shared/toast";
import { at, CLUB, groupDetail } from "./fixtures";
import { connection, demoNode, peer, TestNode } from "./node";
import { open } from "./render";

const nothing = new TestNode().demo.steps;

describe("the demo's tour", () => {
  it("is ticked off by what has been done, and leads to where the next step is", async () => {
    const node = new TestNode();
    const { person } = open(node, "/");
    expect(await screen.findByTestId("step-connect")).toHaveTextContent("to do");
    expect(screen.getByTestId("go-alpha")).toHaveTextContent("Approvals of alpha");
    node.demo = {
      ...node.demo,
      steps: { ...nothing, connected: true, made: true, asked: ["beta", "gamma"], added: ["gamma"] },
    };
    node.emit({ type: "demo" });
    for (const step of ["connect", "make", "add"]) {
      await waitFor(() => expect(screen.getByTestId(`step-${step}`)).toHaveTextContent("(done)"));
    }
    expect(screen.getByTestId("step-agree")).toHaveTextContent("(to do)");
    // What is done at gamma is not asked for again.
    expect(screen.queryByTestId("go-gamma")).toBeNull();
    await person.click(screen.getByTestId("go-beta"));
    expect(node.requests("look-at-demo-node")).toEqual([{ name: "beta" }]);
    expect(await screen.findByRole("heading", { level: 1 })).toHaveTextContent("Approvals");
  });

  it("can be put away, and says when all is done", async () => {
    const node = new TestNode();
    const all = ["beta", "gamma"];
    node.demo.steps = {
      connected: true,
      made: true,
      asked: all,
      added: all,
      wrote: true,
      answered: all,
      removed: true,
    };
    const { person } = open(node, "/");
    expect(await screen.findByText(/That was all of it/)).toBeVisible();
    await person.click(screen.getByRole("button", { name: "Hide the tour" }));
    expect(screen.queryByTestId("demo-guide")).toBeNull();
  });

  it("is for the demo alone", async () => {
    const node = new TestNode();
    node.mode = "own";
    open(node, "/");
    await screen.findByTestId("health");
    expect(screen.queryByTestId("demo-guide")).toBeNull();
  });
});

describe("the demo's bar", () => {
  it("moves nothing of the navigation when it comes to be known", async () => {
    const node = new TestNode();
    let tell = () => {};
    const told = new Promise<void>((done) => {
      tell = done;
    });
    const { demo } = node;
    node.answers.demo = () => told.then(() => demo);
    open(node, "/");
    const lines = () => screen.getByTestId("shown").parentElement?.childElementCount;
    await screen.findByTestId("shown");
    const before = lines();
    expect(screen.queryByTestId("demo-node-alpha")).toBeNull();
    tell();
    expect(await screen.findByTestId("demo-node-alpha")).toBeVisible();
    expect(screen.getByTestId("shown")).toHaveTextContent("alpha");
    expect(lines()).toBe(before);
  });

  it("shows another provider, and forgets what was read of the one before", async () => {
    const node = new TestNode();
    node.incoming = [connection()];
    node.demo.nodes = node.demo.nodes.map((each) => (each.shown ? each : { ...each, waiting: 2, unread: 1 }));
    const { person } = open(node, "/approvals");
    const request = await screen.findByTestId(/^incoming-/);
    expect(screen.getByTestId("shown")).toHaveTextContent("alpha");
    expect(screen.getByTestId("demo-look-beta")).toHaveTextContent("2 things wait there, 1 unread message");
    // The one that is shown cannot be stopped.
    expect(screen.getByTestId("demo-node-alpha")).toBeDisabled();
    node.incoming = [];
    await person.click(screen.getByTestId("demo-look-beta"));
    await waitFor(() => expect(request).not.toBeInTheDocument());
    expect(screen.getByTestId("shown")).toHaveTextContent("beta");
    expect(screen.getByTestId("demo-look-beta")).toHaveAttribute("aria-pressed", "true");
    expect(screen.getByTestId("demo-node-beta")).toBeDisabled();
    expect(document.title).toContain("beta");
  });

  it("says of a group that is not at the other provider that it is not there", async () => {
    const node = new TestNode();
    node.groups = [groupDetail()];
    const { person } = open(node, `/groups?open=${encodeURIComponent(CLUB)}`);
    await screen.findAllByTestId(/^participant-/);
    node.groups = [];
    await person.click(screen.getByTestId("demo-look-beta"));
    expect(await screen.findByText(/That group is not at this provider/)).toBeVisible();
    expect(screen.queryAllByTestId(/^participant-/)).toEqual([]);
  });
});

describe("the demo's switches", () => {
  const opened = async (node: TestNode) => {
    const { person } = open(node, "/");
    await person.click(await screen.findByTestId("demo-break"));
    return { person, dialog: within(await screen.findByRole("dialog", { name: "Break something" })) };
  };

  it("break something at a provider, say what it does, and show what is on until it is turned off", async () => {
    const node = new TestNode();
    const { person, dialog } = await opened(node);
    const slow = dialog.getByTestId("break-slow");
    expect(slow).toHaveAccessibleDescription(/What beta answers is on its way for 2.5 s/);
    expect(dialog.getByRole("link", { name: "Check beta" })).toHaveAttribute(
      "href",
      "/doctor?provider=beta.example",
    );
    await person.click(slow);
    expect(node.requests("demo-switch")).toEqual([{ provider: "beta", switch: "slow", on: true }]);
    await waitFor(() => expect(slow).toBeChecked());
    await person.keyboard("{Escape}");
    const on = within(await screen.findByTestId("switched-on"));
    await person.click(on.getByRole("button", { name: "Turn off at beta: Slow network" }));
    await waitFor(() => expect(screen.queryByTestId("switched-on")).toBeNull());
    expect(node.requests("demo-switch").at(-1)).toEqual({ provider: "beta", switch: "slow", on: false });
  });

  it("begin at a provider that federates, and say where one is not let in", async () => {
    const node = new TestNode();
    node.demo.nodes = [...node.demo.nodes, demoNode("gamma", "gamma.example", "carol")];
    node.peers = [peer("beta.example", { state: "pending" }), peer("gamma.example")];
    const { person, dialog } = await opened(node);
    await waitFor(() => expect(dialog.getByRole("radio", { name: /gamma/ })).toBeChecked());
    expect(dialog.queryByText(/is not let in here yet/)).toBeNull();
    await person.click(dialog.getByRole("radio", { name: /beta/ }));
    expect(dialog.getByText(/beta is not let in here yet.*step 1 of the tour/)).toBeVisible();
  });

  it("are not turned where they cannot be, and say why", async () => {
    const node = new TestNode();
    node.demo.nodes = node.demo.nodes.map((each) => ({ ...each, can_fork: false }));
    const { dialog } = await opened(node);
    expect(dialog.getByTestId("break-forked")).toBeDisabled();
    expect(dialog.getByTestId("break-forked")).toHaveAccessibleDescription(/beta keeps no group yet/);
  });

  it("are turned by the keyboard", async () => {
    const node = new TestNode();
    const { person } = open(node, "/");
    await screen.findByTestId("demo-break");
    await person.keyboard("vx");
    const dialog = within(await screen.findByRole("dialog", { name: "Break something" }));
    dialog.getByTestId("break-disk-full").focus();
    await person.keyboard(" ");
    expect(node.requests("demo-switch")).toEqual([{ provider: "beta", switch: "disk-full", on: true }]);
  });

  it("leave the provider that is shown running, and say why", async () => {
    const node = new TestNode();
    const { person, dialog } = await opened(node);
    await person.click(dialog.getByRole("radio", { name: /alpha/ }));
    for (const of of ["stopped", "slow", "lossy", "cutting-proxy", "key-changed", "forked"])
      expect(dialog.getByTestId(`break-${of}`)).toBeDisabled();
    expect(dialog.getByTestId("break-key-changed")).toHaveAccessibleDescription(
      /Look at another provider than alpha/,
    );
    expect(dialog.getByTestId("break-clock-ahead")).toBeEnabled();
  });

  it("wait for what is being done", async () => {
    const node = new TestNode();
    node.demo.nodes = node.demo.nodes.map((each) =>
      each.shown ? each : { ...each, turning: "forked" as const },
    );
    const { dialog } = await opened(node);
    expect(dialog.getByTestId("break-forked")).toHaveAccessibleDescription(/takes a while/);
    expect(dialog.getByTestId("break-slow")).toBeDisabled();
  });
});

describe("what was said of a node", () => {
  const undo = vi.fn();
  const settle = vi.fn();
  beforeEach(() => {
    undo.mockClear();
    settle.mockClear();
  });

  it("goes when the demo is left, after what only waited for its undo is done", async () => {
    const node = new TestNode();
    node.answers["leave-demo"] = () => {
      // It is done while the demo is still there.
      expect(settle).toHaveBeenCalled();
      node.mode = "new";
      return {};
    };
    const { person } = open(node, "/settings");
    await person.click(await screen.findByTestId("leave-demo"));
    act(() => void toast("The message is deleted.", { undo, settle }));
    await person.click(within(await screen.findByRole("dialog")).getByRole("button", { name: /Leave/ }));
    await screen.findByTestId("start-demo");
    expect(screen.queryByTestId("toast")).toBeNull();
    expect(settle).toHaveBeenCalledTimes(1);
  });

  it("goes when another node is there, and nothing of it is done at that one", async () => {
    const node = new TestNode();
    open(node);
    await screen.findByTestId("health");
    act(() => void toast("bob is blocked.", { undo, settle }));
    expect(await screen.findByText("bob is blocked.")).toBeVisible();
    node.mode = "own";
    node.provider = "home.example";
    act(() => node.emit({ type: "reload" }, { incarnation: "two" }));
    await waitFor(() => expect(screen.queryByText("bob is blocked.")).toBeNull());
    expect(undo).not.toHaveBeenCalled();
    expect(settle).not.toHaveBeenCalled();
  });

  it("goes when the same node runs anew", async () => {
    const node = new TestNode();
    open(node);
    await screen.findByTestId("health");
    act(() => void toast("The message is deleted.", { undo, settle }));
    const status = (await node.call("status", {})) as Status;
    node.answers.status = () => ({ ...status, node: status.node && { ...status.node, started: at(0) } });
    act(() => node.emit({ type: "reload" }, { incarnation: "two" }));
    await waitFor(() => expect(screen.queryByTestId("toast")).toBeNull());
    expect(settle).toHaveBeenCalledTimes(1);
  });
});
