import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { DryRun } from "@/bindings/DryRun";
import { AdminError } from "@/platform";
import { TestNode, US } from "./node";
import { open } from "./render";

const RUN: DryRun = {
  provider: "beta.example",
  person: "mimi://beta.example/u/bob",
  presumed: "This presumes that the signature of beta.example is taken here.",
  foresights: [
    {
      asked: "introduction",
      of: null,
      outcome: "waits",
      why: "strangers wait for your decision",
      told: "202, pending",
    },
    {
      asked: "connection",
      of: `mimi://${US}/u/alice`,
      outcome: "unseen",
      why: "a rule for everybody here blocks beta.example",
      told: "202, pending",
    },
    {
      asked: "pull",
      of: null,
      outcome: "refused",
      why: "nothing was decided on it",
      told: "403 peer-pending",
    },
  ],
};

describe("a dry run", () => {
  it("is asked for what is typed, and says what would become of each thing, by what, and what they are told", async () => {
    const node = new TestNode();
    node.answers["dry-run"] = () => RUN;
    const { person, router } = open(node, "/doctor/dry-run");
    const field = await screen.findByRole("textbox", { name: "Provider or person" });
    await person.type(field, "{Enter}");
    expect(screen.getByText("Name a provider or a person.")).toBeInTheDocument();
    await person.type(field, " bob@beta.example {Enter}");
    await waitFor(() => expect(node.requests("dry-run")).toEqual([{ who: "bob@beta.example" }]));
    expect(router.state.location.search).toEqual({ who: "bob@beta.example" });

    const own = await screen.findByRole("region", { name: "The provider itself" });
    expect(within(own).getByText("Waits for a decision")).toBeInTheDocument();
    expect(screen.getByText(RUN.presumed)).toBeInTheDocument();
    expect(within(own).getByText("They are told: 403 peer-pending")).toBeInTheDocument();
    const alice = screen.getByRole("region", { name: "alice" });
    expect(within(alice).getByText("Set aside unseen")).toBeInTheDocument();
    expect(within(alice).getByText("A rule for everybody here blocks beta.example.")).toBeInTheDocument();

    // What is decided meanwhile is what it says.
    node.answers["dry-run"] = () => ({ ...RUN, foresights: RUN.foresights.slice(0, 1) });
    node.emit({ type: "peers" });
    await waitFor(() => expect(screen.queryByRole("region", { name: "alice" })).toBeNull());
  });

  it("says why something cannot be tried", async () => {
    const node = new TestNode();
    node.answers["dry-run"] = () => {
      throw new AdminError("unfit", '"two words" is no provider\'s name');
    };
    open(node, "/doctor/dry-run?who=two%20words");
    expect(await screen.findByText(/"two words" is no provider's name/)).toBeInTheDocument();
  });
});
