import { screen, within } from "@testing-library/react";
import axe from "axe-core";
import { beforeEach, describe, expect, it } from "vitest";
import type { Comparison } from "@/bindings/Comparison";
import type { CopyFinding } from "@/bindings/CopyFinding";
import { AdminError } from "@/platform";
import { at, CLUB, groupDetail } from "./fixtures";
import { TestNode } from "./node";
import { open } from "./render";

const AT = `/groups?open=${encodeURIComponent(CLUB)}`;
const HASH = "q1sT6Qm8nC4b0Y2yP1bS9vQf3hXk7uJd5oWzR2tLmEA";

function finding(provider: string, over: Partial<CopyFinding> = {}): CopyFinding {
  return {
    provider,
    is_owner: false,
    verdict: "equal",
    events: null,
    differs_from: null,
    text: "it has what is here, up to event 9, as it says",
    code: null,
    stage: "content",
    side: null,
    duration_ms: 12,
    checkpoint: null,
    evidence: [],
    ...over,
  };
}

function comparison(findings: CopyFinding[], over: Partial<Comparison> = {}): Comparison {
  return {
    group: CLUB,
    is_ours: false,
    head: 9,
    hash: HASH,
    began: at(),
    verdict: findings[0]?.verdict ?? null,
    summary: "The copy here is the same as that of all 2 providers that have answered.",
    findings,
    providers: 2,
    is_finished: true,
    ...over,
  };
}

describe("comparing copies", () => {
  let node: TestNode;
  beforeEach(() => {
    node = new TestNode();
    node.groups = [groupDetail()];
    node.answers["compare-log"] = () => ({ id: 1 });
  });

  it("tells what was found at each provider, with what its keeper has signed", async () => {
    const checkpoint = { seq: 9, hash: HASH, signed: at(-1_000), key: "thumb", agrees: true };
    const steps = [finding("beta.example", { is_owner: true, checkpoint }), finding("gamma.example")];
    let asked = 0;
    node.answers.comparison = () => {
      asked += 1;
      return comparison(steps.slice(0, asked), { is_finished: asked === 2 });
    };
    const { person } = open(node, AT);
    await person.click(await screen.findByTestId("compare"));
    const owner = await screen.findByTestId("copy-beta.example");
    expect(owner).toHaveTextContent("keeps the group");
    expect(owner).toHaveTextContent("Same");
    expect(owner).toHaveTextContent(/Signed by its keeper.*event 9, as it is here/);
    await screen.findByTestId("copy-gamma.example");
    expect(await screen.findByText(/^The copy here is the same/)).toBeInTheDocument();
    expect(node.requests("comparison")).toEqual([
      { id: 1, after: 0 },
      { id: 1, after: 1 },
    ]);
  });

  it("says from which event on they differ, who has to act, and what to do", async () => {
    const different = finding("beta.example", {
      is_owner: true,
      verdict: "different",
      differs_from: 1_005,
      text: "from event 1005 on its log is another than the copy here",
      code: "log-forked",
      stage: "store",
      side: "theirs",
    });
    const away = finding("gamma.example", {
      verdict: "unanswered",
      text: "no connection to it",
      code: "connection-refused",
      stage: "connect",
      side: "theirs",
    });
    node.answers.comparison = () =>
      comparison([different, away], { summary: "beta.example: from event 1005 on." });
    const { person } = open(node, AT);
    await person.click(await screen.findByTestId("compare"));
    const owner = await screen.findByTestId("copy-beta.example");
    expect(owner).toHaveTextContent("Different from event 1,005");
    expect(owner).toHaveTextContent("Its operator has to act.");
    expect(owner).toHaveTextContent("Ask its operator whether a backup was restored");
    expect(screen.getByTestId("copy-gamma.example")).toHaveTextContent("No answer");
    const found = await axe.run(screen.getByTestId("comparison"), {
      rules: { "color-contrast": { enabled: false } },
    });
    expect(found.violations).toEqual([]);
  });

  it("says of the other copy that it is behind or ahead, as the node does, and what to do about a changed key", async () => {
    const steps = [
      finding("beta.example", { is_owner: true, verdict: "ahead", events: 1 }),
      finding("gamma.example", { verdict: "behind", events: 2 }),
      finding("delta.example", {
        verdict: "not-asked",
        code: "key-changed",
        stage: "document",
        side: "ours",
      }),
    ];
    node.answers.comparison = () => comparison(steps);
    const { person } = open(node, AT);
    await person.click(await screen.findByTestId("compare"));
    expect(await screen.findByTestId("copy-beta.example")).toHaveTextContent("We are 1 event behind");
    expect(screen.getByTestId("copy-gamma.example")).toHaveTextContent("2 events behind us");
    const changed = screen.getByTestId("copy-delta.example");
    expect(changed).toHaveTextContent("You have to act.");
    expect(changed).toHaveTextContent("Its key is not the one that was accepted.");
  });

  it("says why a comparison did not begin, and lets it be tried again", async () => {
    node.answers["compare-log"] = () => {
      throw new AdminError("unfit", "nothing of the log has come here yet");
    };
    const { person } = open(node, AT);
    await person.click(await screen.findByTestId("compare"));
    expect(await screen.findByText(/Nothing of the log has come here yet/)).toBeInTheDocument();
    expect(screen.getByTestId("compare")).toBeEnabled();
  });

  it("shows two stories above all else, and saves what proves them", async () => {
    const text = "From event 5 on, the owner has signed two logs.";
    node.groups = [groupDetail({ forks: [{ seq: 5, found: at(-60_000), is_proved: true, text }] })];
    node.answers.evidence = () => ({ group: CLUB, contradictions: [{ seq: 5 }] });
    const { person } = open(node, AT);
    const forks = await screen.findByTestId("forks");
    expect(forks).toHaveTextContent(text);
    expect(forks).toHaveTextContent("Proved to anybody");
    await person.click(within(forks).getByRole("button", { name: "Save the evidence" }));
    expect(JSON.parse(node.saved[0] ?? "")).toEqual({ group: CLUB, contradictions: [{ seq: 5 }] });
  });
});
