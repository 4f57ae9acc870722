import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { SetUp } from "@/bindings/SetUp";
import type { SetUpAnswer } from "@/bindings/SetUpAnswer";
import type { SetUpField } from "@/bindings/SetUpField";
import type { SetUpLook } from "@/bindings/SetUpLook";
import type { SetUpNote } from "@/bindings/SetUpNote";
import { AdminError } from "@/platform";
import { TestNode } from "./node";
import { open } from "./render";

/** A node that has something to say of some answers. */
function judging(judge: (ask: SetUp) => Partial<Record<SetUpField, SetUpNote>>): TestNode {
  const node = new TestNode();
  node.mode = "new";
  node.answers["look-at-set-up"] = (request): SetUpLook => {
    const ask = request as SetUp;
    const said = judge(ask);
    const fields: [SetUpField, string][] = [
      ["provider", ask.provider],
      ["reached_by", ask.reached_by ?? "network"],
      ["listen", ask.listen ?? "0.0.0.0:443"],
      ["user", ask.user],
      ["clients", ask.clients ?? "127.0.0.1:9102"],
    ];
    const answers = fields.map(([field, value]): SetUpAnswer => {
      const note = said[field];
      return { field, value, notes: note === undefined ? [] : [note] };
    });
    const isOpen = ({ kind, code }: SetUpNote) => kind === "wrong" || !ask.confirmed?.includes(code);
    return { answers, account: null, is_ready: !Object.values(said).some(isOpen) };
  };
  return node;
}

const note = (over: Partial<SetUpNote>): SetUpNote => ({
  code: "name-form",
  kind: "wrong",
  text: "others know it by another name",
  instead: null,
  ...over,
});

describe("the first start", () => {
  it("says at its field what is wrong, and takes what is offered in its place", async () => {
    const node = judging(({ provider, user }) => ({
      ...(provider === "home.example" ? {} : { provider: note({ instead: "home.example" }) }),
      ...(user === "" ? { user: note({ code: "user-form", text: "an account has a name" }) } : {}),
    }));
    node.answers["set-up"] = () => {
      node.mode = "own";
      return {};
    };
    const { person } = open(node);
    const name = await screen.findByLabelText("Name of the provider");
    expect(name).not.toHaveAccessibleDescription(/another name/);
    await person.type(name, "https://Home.Example");
    await person.tab();
    await waitFor(() => expect(name).toHaveAccessibleDescription("Others know it by another name."));
    await person.click(await screen.findByRole("button", { name: "Use home.example" }));
    expect(name).toHaveValue("home.example");
    await person.click(screen.getByRole("button", { name: "Set up" }));
    const user = screen.getByLabelText("First account");
    await waitFor(() => expect(user).toHaveAccessibleDescription("An account has a name."));
    await waitFor(() => expect(user).toHaveFocus());
    expect(node.requests("set-up")).toEqual([]);
    await person.type(user, "alice");
    await person.click(screen.getByRole("button", { name: "Set up" }));
    // What was set up is looked at, as others find it.
    await waitFor(() => expect(node.requests("check")).toEqual([{}]));
    expect(node.requests("set-up")).toEqual([
      { provider: "home.example", user: "alice", reached_by: "acme", confirmed: [] },
    ]);
  });

  it("offers to have the router asked only where there is one in between, and says what is wrong with that", async () => {
    const unreachable = note({
      code: "open-port-unreachable",
      text: "only programs on this computer reach it",
    });
    const node = judging(({ open_port, listen }) =>
      open_port === true && listen === "127.0.0.1:443" ? { open_port: unreachable } : {},
    );
    const looked = node.answers["look-at-set-up"];
    node.answers["look-at-set-up"] = (request): SetUpLook => {
      const look = looked?.(request) as SetUpLook;
      const ask = request as SetUp;
      const isAsked = ask.reached_by === "acme" || ask.reached_by === "files";
      const known = look.answers.filter(({ field }) => field !== "open_port");
      const notes = ask.listen === "127.0.0.1:443" && ask.open_port === true ? [unreachable] : [];
      const answer: SetUpAnswer = { field: "open_port", value: `${ask.open_port === true}`, notes };
      return { ...look, answers: isAsked ? [...known, answer] : known };
    };
    const { person } = open(node);
    const box = await screen.findByRole("checkbox", { name: "Ask the router to lead the port here" });
    await person.type(screen.getByLabelText("Address to listen on"), "127.0.0.1:443");
    await person.click(box);
    expect(await screen.findByText("Only programs on this computer reach it.")).toBeInTheDocument();
    await person.click(screen.getByRole("radio", { name: /In this network only/ }));
    await waitFor(() => expect(screen.queryByRole("checkbox", { name: /Ask the router/ })).toBeNull());
  });

  it("takes a name that others do not reach only where that is confirmed", async () => {
    const node = judging(({ provider }) =>
      provider === "nas" ? { provider: note({ code: "name-one-word", kind: "confirm", instead: null }) } : {},
    );
    const { person } = open(node);
    await person.type(await screen.findByLabelText("Name of the provider"), "nas");
    await person.click(screen.getByRole("radio", { name: /In this network only/ }));
    await person.type(screen.getByLabelText("First account"), "alice");
    await person.click(screen.getByRole("button", { name: "Set up" }));
    const meant = await screen.findByRole("checkbox", { name: "It is meant so" });
    expect(node.requests("set-up")).toEqual([]);
    await person.click(meant);
    await person.click(screen.getByRole("button", { name: "Set up" }));
    await waitFor(() =>
      expect(node.requests("set-up")).toEqual([
        { provider: "nas", user: "alice", reached_by: "network", confirmed: ["name-one-word"] },
      ]),
    );
  });

  it("asks for what each way of being reached needs", async () => {
    const node = judging(() => ({}));
    const { person } = open(node);
    expect(await screen.findByRole("checkbox", { name: /I agree to the terms/ })).toBeInTheDocument();
    expect(screen.queryByLabelText("File of its key")).toBeNull();
    await person.selectOptions(screen.getByLabelText(/How Let's Encrypt sees/), "dns-01");
    expect(screen.getByLabelText("Program that sets a record in the DNS")).toBeInTheDocument();
    await person.click(screen.getByRole("radio", { name: /a certificate of my own/ }));
    expect(screen.getByLabelText("File of its key")).toBeInTheDocument();
    expect(screen.queryByRole("checkbox", { name: /I agree/ })).toBeNull();
    await person.click(screen.getByRole("radio", { name: /Behind a proxy/ }));
    expect(screen.queryByLabelText("File of its key")).toBeNull();
  });

  it("says what keeps it from being set up that is about no field", async () => {
    const node = judging(() => ({}));
    node.answers["set-up"] = () => {
      throw new AdminError("set-up-failed", "the disk is full");
    };
    const { person } = open(node);
    await person.type(await screen.findByLabelText("Name of the provider"), "home.example");
    await person.click(screen.getByRole("button", { name: "Set up" }));
    expect(await screen.findByText("The disk is full.")).toBeInTheDocument();
    expect(screen.getByRole("button", { name: "Set up" })).toBeEnabled();
  });
});
