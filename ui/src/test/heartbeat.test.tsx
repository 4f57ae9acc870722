import { fireEvent, screen, waitFor, within } from "@testing-library/react";
import axe from "axe-core";
import { beforeEach, describe, expect, it } from "vitest";
import { timeRange } from "@/shared/format";
import { heartbeats, NOW, peer, TestNode } from "./node";
import { open } from "./render";

const SLOT = 40_000;
const FROM = NOW - 89 * SLOT;
const begins = (index: number) => FROM + index * SLOT;
const time = (index: number) => timeRange(begins(index), begins(index + 1), "seconds");

describe("a peer's heartbeat", () => {
  let node: TestNode;
  beforeEach(() => {
    node = new TestNode();
    node.peers = [peer("beta.example")];
    node.heartbeats = heartbeats({
      ours: {
        3: { state: "failed", good: 0, failed: 4, code: "dns-timeout" },
        80: { state: "some-failed", good: 1, failed: 2, code: "connection-refused" },
        88: { state: "quiet", good: 0 },
        89: { state: "off", good: 0 },
      },
    });
  });

  const bar = async (direction: "in" | "out") => {
    const whole = await screen.findByTestId(`heartbeat-${direction}`);
    return { whole, slider: within(whole).getByRole("slider") };
  };

  it("is one sentence for each direction, and ninety slots whose states differ in shape", async () => {
    open(node, "/peers?open=beta.example");
    const { whole, slider } = await bar("out");
    const failures = `2 of 90 slots with failures, the latest at ${time(80)}: connection-refused.`;
    expect(slider).toHaveAccessibleName("What we asked of it");
    expect(slider).toHaveAccessibleDescription(expect.stringContaining(failures));
    expect(within(whole).getByTestId("heartbeat-summary")).toHaveTextContent(failures);
    const theirs = await bar("in");
    expect(theirs.whole).toHaveTextContent("No failure in 90 slots in which something was asked.");

    const slots = [...slider.querySelectorAll("g")];
    expect(slots).toHaveLength(90);
    const shapes = [0, 3, 80, 88, 89].map((index) => {
      // The first is what is pointed at.
      const [, ...rects] = slots[index]?.querySelectorAll("rect") ?? [];
      return rects.map((rect) => `${rect.getAttribute("y")} ${rect.getAttribute("height")}`).join();
    });
    expect(new Set(shapes).size).toBe(5);
    const titles = slots.map((slot) => slot.querySelector("title")?.textContent);
    expect(titles[3]).toBe(`${time(3)}: 4 failed, at last dns-timeout`);
    expect(titles[88]).toBe(`${time(88)}: nothing asked`);
    expect(titles[89]).toBe(`${time(89)}: this provider was not running`);
  });

  it("is one stop of the keyboard, tells each slot, and leads to its failures", async () => {
    const { person, router } = open(node, "/peers?open=beta.example");
    const { whole, slider } = await bar("out");
    expect(within(whole).queryAllByRole("link")).toEqual([]);
    slider.focus();
    expect(slider).toHaveAttribute("aria-valuetext", `${time(89)}: this provider was not running`);
    // Where nothing was asked, there is nothing to show.
    await person.keyboard("{Enter}");
    await person.keyboard("{PageDown}{ArrowRight}");
    const told = `${time(80)}: 1 answered, 2 failed, at last connection-refused`;
    expect(slider).toHaveAttribute("aria-valuetext", told);
    expect(slider).toHaveAttribute("aria-valuenow", "81");
    expect(within(whole).getByTestId("heartbeat-slot")).toHaveTextContent(`${told} · Show the failures`);
    expect(router.state.location.pathname).toBe("/peers");
    await person.keyboard("{Enter}");
    await waitFor(() => expect(router.state.location.pathname).toBe("/traffic"));
    expect(router.state.location.search).toEqual({
      peer: "beta.example",
      direction: "out",
      asker: "node",
      errors: "only",
      // A pull that failed in it may have begun before.
      since: new Date(begins(80) - 80_000).toISOString(),
      until: new Date(begins(81)).toISOString(),
    });
  });

  it("goes with a click to the failures of the slot that is nearest, and only tells of one that has none", async () => {
    const { router } = open(node, "/peers?open=beta.example");
    const { whole, slider } = await bar("out");
    slider.getBoundingClientRect = () => ({ left: 100, width: 360 }) as DOMRect;
    fireEvent.click(slider, { clientX: 100 + 4 * 10 + 1 });
    const slot = within(whole).getByTestId("heartbeat-slot");
    expect(slot).toHaveTextContent(`${time(10)}: 2 answered · Show the requests`);
    expect(router.state.location.pathname).toBe("/peers");
    fireEvent.click(slider, { clientX: 100 + 4 * 3 + 1 });
    await waitFor(() => expect(router.state.location.pathname).toBe("/traffic"));
    expect(router.state.location.search).toMatchObject({
      asker: "node",
      errors: "only",
      until: new Date(begins(4)).toISOString(),
    });
  });

  it("has its span in the address", async () => {
    const { person, router } = open(node, "/peers?open=beta.example&span=7d");
    await bar("out");
    expect(node.requests("heartbeats")).toEqual([{ provider: "beta.example", span: "7d" }]);
    await person.click(screen.getByRole("radio", { name: "30 d" }));
    await waitFor(() => expect(router.state.location.search).toEqual({ open: "beta.example", span: "30d" }));
    expect(node.requests("heartbeats").at(-1)).toEqual({ provider: "beta.example", span: "30d" });
    await person.click(screen.getByRole("radio", { name: "1 h" }));
    await waitFor(() => expect(router.state.location.search).toEqual({ open: "beta.example" }));
  });

  it("says where nothing is counted, and why", async () => {
    node.heartbeats = { heartbeat: null, fault: null };
    const first = open(node, "/peers?open=beta.example");
    expect(await screen.findByTestId("heartbeat-note")).toHaveTextContent(
      /the configuration keeps no requests/,
    );
    expect(screen.queryByRole("slider")).toBeNull();
    first.unmount();
    node.heartbeats = { ...heartbeats({}), fault: "the disk is full" };
    open(node, "/peers?open=beta.example");
    expect(await screen.findByTestId("heartbeat-note")).toHaveTextContent(
      /cannot be written.*the disk is full/,
    );
    expect(screen.getAllByRole("slider")).toHaveLength(2);
  });

  it("stands in the way of nobody", async () => {
    open(node, "/peers?open=beta.example");
    const { slider } = await bar("out");
    fireEvent.focus(slider);
    await screen.findByTestId("heartbeat-slot");
    const found = await axe.run(document.body, { rules: { "color-contrast": { enabled: false } } });
    expect(found.violations.map(({ id }) => id)).toEqual([]);
  });
});
