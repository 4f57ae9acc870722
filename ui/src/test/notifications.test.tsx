import { screen, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { NotifyTarget } from "@/bindings/NotifyTarget";
import { AdminError } from "@/platform";
import { at, repair, TestNode } from "./node";
import { open } from "./render";

function target(over: Partial<NotifyTarget> = {}): NotifyTarget {
  return {
    name: "phone",
    kind: "ntfy",
    place: "ntfy.sh",
    names: false,
    waits: true,
    least: "medium",
    waiting: 0,
    reached: at(-60_000),
    failing: null,
    ...over,
  };
}

function own(): TestNode {
  const node = new TestNode();
  node.mode = "own";
  return node;
}

describe("where the operator is told elsewhere", () => {
  it("is listed with when each was last reached, and how one fails", async () => {
    const node = own();
    const failing = {
      since: at(-3_600_000),
      tries: 7,
      text: "it answers 403 Forbidden: this topic is not yours",
      next: at(60_000),
    };
    node.targets = [
      target(),
      target({
        name: "mail to you@home.example",
        kind: "smtp",
        place: "mail.example:587",
        names: true,
        waits: false,
        least: "high",
        waiting: 2,
        reached: null,
        failing,
      }),
    ];
    open(node, "/settings");
    const [phone, mail] = within(await screen.findByTestId("notify-targets")).getAllByRole("listitem");
    expect(phone).toHaveTextContent(/phone.*last reached.*A topic of ntfy at ntfy\.sh\..*Names are left out/);
    expect(mail).toHaveTextContent(
      /never reached.*Mail by mail\.example:587\. It is told what is wrong of high severity\./,
    );
    expect(mail).not.toHaveTextContent("Names are left out");
    expect(mail).toHaveTextContent("2 things are yet to be told.");
    expect(within(mail as HTMLElement).getByRole("alert")).toHaveTextContent("this topic is not yours");
  });

  it("says what becomes of a test at each", async () => {
    const node = own();
    node.targets = [target(), target({ name: "hook", kind: "webhook" })];
    node.tests = [
      { name: "phone", fault: null },
      { name: "hook", fault: "no connection to it comes about: Connection refused" },
    ];
    const { person } = open(node, "/settings");
    await person.click(await screen.findByTestId("test-notify"));
    expect(await screen.findByText("The test has not come to 1 target.")).toBeInTheDocument();
    const [phone, hook] = within(screen.getByTestId("notify-targets")).getAllByRole("listitem");
    expect(phone).toHaveTextContent("The test has come.");
    expect(hook).toHaveTextContent("Connection refused");
    expect(node.requests("test-notify")).toEqual([{}]);
  });

  it("says that there is none, and how one is named", async () => {
    open(own(), "/settings");
    expect(await screen.findByTestId("notify-none")).toHaveTextContent("[notify] in the configuration");
  });

  it("is where a repair of it leads", async () => {
    const node = own();
    node.repairs.open = [
      repair({
        kind: "notify",
        code: "notify-failed",
        side: "ours",
        subject: { type: "target", name: "phone" },
        text: 'Notifications do not come to "phone": it answers 403 Forbidden.',
      }),
    ];
    open(node, "/repairs");
    expect(await screen.findByRole("link", { name: "Open Settings" })).toBeInTheDocument();
  });

  it("tells why a test could not be sent", async () => {
    const node = own();
    node.targets = [target()];
    const { person } = open(node, "/settings");
    const button = await screen.findByTestId("test-notify");
    node.answers["test-notify"] = () => {
      throw new AdminError("internal", "the node is ending");
    };
    await person.click(button);
    expect(await screen.findByText(/The node is ending\./)).toBeInTheDocument();
  });
});
