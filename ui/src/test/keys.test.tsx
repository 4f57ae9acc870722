import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { at, signingKey, TestNode, US, user } from "./node";
import { open } from "./render";

describe("the signing key", () => {
  it("is changed after a second look, and once at a time", async () => {
    const node = new TestNode();
    const { person } = open(node, "/settings");
    await person.click(await screen.findByTestId("rotate-key"));
    const dialog = await screen.findByRole("dialog", { name: "Change the signing key?" });
    expect(within(dialog).getByRole("button", { name: "Cancel" })).toHaveFocus();
    expect(node.requests("rotate-key")).toEqual([]);
    await person.click(within(dialog).getByRole("button", { name: "Change the key" }));
    await waitFor(() => expect(node.requests("rotate-key")).toEqual([{}]));
    const rows = within(await screen.findByTestId("signing-keys")).getAllByRole("listitem");
    await waitFor(() => expect(screen.getByTestId("rotate-key")).toBeDisabled());
    expect(rows.length).toBeGreaterThan(0);
    expect(screen.getByTestId("signing-keys")).toHaveTextContent(/NEWkey.*New.*signs in/);
  });

  it("is revoked only once it was told what follows", async () => {
    const node = new TestNode();
    node.signed = {
      grants: [
        {
          id: "01900000-0000-7000-8000-000000000001",
          user: user("alice", US),
          adder: user("bob"),
          group: "mimi://beta.example/g/tea",
          signed: at(-60_000),
          ends: at(60_000),
          used: false,
        },
      ],
      groups: [{ group: `mimi://${US}/g/walks`, participants: ["beta.example"] }],
      stops: ["beta.example", "gamma.example"],
    };
    const { person } = open(node, "/settings");
    await person.click(await screen.findByTestId("revoke-key"));
    const dialog = await screen.findByRole("dialog", { name: "Revoke this key?" });
    const follows = within(dialog).getByTestId("what-follows");
    expect(follows).toHaveTextContent(
      "2 providers exchange nothing with you until their operators have accepted your new key, whose fingerprint you have to tell them by another way: beta.example, gamma.example.",
    );
    expect(follows).toHaveTextContent(/1 grant, .*1 of them, not used yet, is signed anew/);
    expect(follows).toHaveTextContent("mimi://beta.example/g/tea");
    expect(follows).toHaveTextContent(`mimi://${US}/g/walks, with beta.example`);
    expect(node.requests("revoke-key")).toEqual([]);
    await person.click(within(dialog).getByRole("button", { name: "Revoke the key" }));
    const { fingerprint } = signingKey();
    await waitFor(() => expect(node.requests("revoke-key")).toEqual([{ fingerprint }]));
    await waitFor(() =>
      expect(screen.getByTestId("signing-keys")).toHaveTextContent(/NEWkey.*Signs.*Revoked/),
    );
    expect(screen.getAllByTestId("revoke-key")).toHaveLength(1);
  });

  it("says by which schedule it changes, and why that waits", async () => {
    const node = new TestNode();
    node.keys.rotate_days = 90;
    node.keys.waits = "It waits until other providers bear out this computer's clock.";
    open(node, "/settings");
    expect(await screen.findByText(/A key signs for 90 days/)).toBeInTheDocument();
    expect(screen.getByText(/bear out this computer's clock/)).toBeInTheDocument();
  });
});
