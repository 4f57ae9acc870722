import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { AdminError } from "@/platform";
import { TestNode } from "./node";
import { open } from "./render";

describe("the configuration of a proxy", () => {
  it("is shown for the program that is chosen, and copied whole", async () => {
    const node = new TestNode();
    node.mode = "own";
    const { person } = open(node, "/settings");
    expect(await screen.findByTestId("proxy-text")).toHaveTextContent("server_name home.example;");
    await person.selectOptions(screen.getByTestId("proxy-program"), "Caddy");
    expect(screen.getByRole("group", { name: "The configuration of Caddy" })).toHaveTextContent(
      "home.example { }",
    );
    const copied = vi.spyOn(navigator.clipboard, "writeText").mockResolvedValue();
    await person.click(screen.getByTestId("copy-proxy"));
    await waitFor(() => expect(copied).toHaveBeenCalledWith("home.example { }"));
  });

  it("says why it cannot be read", async () => {
    const node = new TestNode();
    node.mode = "own";
    node.answers = {
      "proxy-configs": () => {
        throw new AdminError("internal", "the node has stopped");
      },
    };
    open(node, "/settings");
    expect(await screen.findByText("The node has stopped.")).toBeInTheDocument();
    expect(screen.queryByTestId("proxy-text")).toBeNull();
  });
});
