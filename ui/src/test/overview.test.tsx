import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { TestNode } from "./node";
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

  it("says where others are led to another port than it listens on, and else nothing of ports", async () => {
    const node = new TestNode();
    node.ourselves = { ...node.ourselves, named_port: 443, listening_port: 9506 };
    const { unmount } = open(node);
    const port = await fact("Its port");
    expect(port.getByText(/led to 443, and this node listens on 9506/)).toBeInTheDocument();
    unmount();
    open(new TestNode());
    await fact("Its name");
    expect(screen.queryByText("Its port")).toBeNull();
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
