import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { AdminError } from "@/platform";
import { TestNode } from "./node";
import { open } from "./render";

const NAME = "Support bundle";

describe("the support bundle", () => {
  it("is shown whole before it is saved or copied, and says what is in it", async () => {
    const node = new TestNode();
    node.bundle = Array.from({ length: 20_000 }, (_, line) => `  "line ${line}": "of the bundle",`).join(
      "\n",
    );
    const { person } = open(node, "/settings");
    await person.click(await screen.findByTestId("make-bundle"));
    const dialog = await screen.findByRole("dialog", { name: NAME });
    expect(dialog).toHaveTextContent(/Keys, tokens, addresses, paths and messages are not in it/);
    const text = await within(dialog).findByTestId("bundle-text");
    // All of it is in the page, where the browser finds it, in pieces that are laid out as they come into view.
    const pieces = [...text.querySelectorAll("pre")].map((each) => each.textContent);
    expect(pieces.length).toBeGreaterThan(50);
    expect(pieces.join("\n")).toBe(node.bundle);
    expect(dialog).toHaveTextContent("All of it: 20,000 lines");
    expect(node.saved).toEqual([]);

    await person.click(within(dialog).getByTestId("save-bundle"));
    expect(node.saved).toEqual([node.bundle]);
    expect(node.savedAs[0]).toMatch(/^drawbridge-support-.*\.json$/);

    const copied = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    await person.click(within(dialog).getByRole("button", { name: "Copy" }));
    await waitFor(() => expect(copied).toHaveBeenCalledWith(node.bundle));
  });

  it("is made anew each time, and says why it cannot be made", async () => {
    const node = new TestNode();
    node.answers = {
      "support-bundle": () => {
        throw new AdminError("internal", "the store is closed");
      },
    };
    const { person } = open(node, "/settings?do=bundle");
    const dialog = await screen.findByRole("dialog", { name: NAME });
    expect(await within(dialog).findByRole("alert")).toHaveTextContent("The store is closed.");
    expect(within(dialog).getByTestId("save-bundle")).toBeDisabled();
    node.answers = {};
    await person.click(within(dialog).getByRole("button", { name: "Try again" }));
    expect(await within(dialog).findByTestId("bundle-text")).toHaveTextContent("A support bundle");
    await person.click(within(dialog).getAllByRole("button", { name: "Close" })[0] as HTMLElement);
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    await person.click(screen.getByTestId("make-bundle"));
    await screen.findByTestId("bundle-text");
    expect(node.requests("support-bundle")).toHaveLength(3);
  });

  it("is found by its name from every screen", async () => {
    const { person } = open(new TestNode(), "/peers");
    await screen.findByRole("heading", { level: 1, name: "Peers" });
    await person.keyboard("{Control>}k{/Control}");
    await person.type(await screen.findByRole("combobox"), "support");
    await person.click(await screen.findByRole("option", { name: /support bundle/ }));
    expect(await screen.findByRole("dialog", { name: NAME })).toBeInTheDocument();
  });
});
