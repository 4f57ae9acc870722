import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { at, peer, repair, TestNode } from "./node";
import { open } from "./render";

const ENDS_SOON = repair({
  id: "r2",
  subject: { type: "certificate", section: "mtp" },
  kind: "certificate",
  code: "certificate-ends-soon",
  stage: null,
  severity: "medium",
  side: "ours",
  text: "This provider's certificate (tls-cert.pem) ends on 2026-12-01; after that others refuse to connect.",
  suffers: { groups: 0, users: 0, submissions: 0 },
});

describe("Repairs", () => {
  it("says of each what is wrong, what suffers, who has to act, what to do, and leads there", async () => {
    const node = new TestNode();
    node.repairs = { ...node.repairs, open: [repair(), ENDS_SOON] };
    const { person, router } = open(node, "/repairs");
    const broken = await screen.findByRole("region", { name: "Broken" });
    expect(broken).toHaveTextContent("Nothing comes from beta.example: no connection to it");
    expect(broken).toHaveTextContent("What suffers: 2 groups, 1 person here and 3 messages that wait.");
    expect(broken).toHaveTextContent("The other provider's operator has to act. Nothing listens there");
    const soon = screen.getByRole("region", { name: "Needs attention" });
    expect(soon).toHaveTextContent("This side has to act. It still works. Renew your certificate");
    expect(soon).not.toHaveTextContent("What suffers");
    expect(within(soon).getByRole("link", { name: "Check this provider" })).toBeInTheDocument();
    await person.click(within(broken).getByRole("button", { name: "Try now" }));
    expect(node.requests("retry-peer")).toEqual([{ provider: "beta.example" }]);
    await person.click(within(broken).getByRole("link", { name: "Check it" }));
    await waitFor(() => expect(router.state.location.href).toBe("/doctor?provider=beta.example"));
  });

  it("has a new key looked at before anything is tried", async () => {
    const node = new TestNode();
    node.repairs = { ...node.repairs, open: [repair({ code: "key-changed", side: "ours" })] };
    open(node, "/repairs");
    const broken = await screen.findByRole("region", { name: "Broken" });
    expect(within(broken).getByRole("link", { name: "Look at its new key" })).toBeInTheDocument();
    expect(within(broken).queryByRole("button", { name: "Try now" })).toBeNull();
  });

  it("has a certificate looked at where nobody vouches for it", async () => {
    const node = new TestNode();
    node.repairs = {
      ...node.repairs,
      open: [repair({ code: "certificate-self-signed", stage: "tls", side: "either" })],
    };
    const fingerprint = "5e".repeat(32);
    node.answers["met-certificate"] = () => ({
      fingerprint,
      names: ["beta.example"],
      self_signed: true,
      ends: at(86_400_000),
      refused: "the certificate is signed by itself",
    });
    node.answers["trust-certificate"] = () => ({ certificates: [] });
    const { person } = open(node, "/repairs");
    const broken = await screen.findByRole("region", { name: "Broken" });
    await person.click(within(broken).getByRole("button", { name: "Look at its certificate" }));
    const dialog = await screen.findByRole("dialog", { name: "The certificate of beta.example" });
    expect(dialog).toHaveTextContent(fingerprint);
    await person.click(within(dialog).getByRole("button", { name: "Trust it for this provider" }));
    await waitFor(() =>
      expect(node.requests("trust-certificate")).toEqual([{ provider: "beta.example", fingerprint }]),
    );
  });

  it("has the operator say which of two copies goes on", async () => {
    const node = new TestNode();
    const twice = repair({ subject: { type: "node" }, kind: "copy", code: "runs-twice", side: "ours" });
    node.repairs = { ...node.repairs, open: [twice] };
    const { person } = open(node, "/repairs");
    const broken = await screen.findByRole("region", { name: "Broken" });
    expect(broken).toHaveTextContent("Stop the other for good");
    await person.click(within(broken).getByRole("button", { name: "This copy goes on" }));
    expect(node.requests("go-on-here")).toEqual([{}]);
    await waitFor(() => expect(screen.queryByRole("region", { name: "Broken" })).toBeNull());
  });

  it("sets one aside, and takes that back", async () => {
    const node = new TestNode();
    node.repairs = { ...node.repairs, open: [repair()] };
    const { person } = open(node, "/repairs");
    const nav = await screen.findByTestId("nav-repairs");
    await waitFor(() => expect(nav).toHaveTextContent("1 thing is wrong"));
    await person.click(await screen.findByRole("button", { name: "Ignore" }));
    const ignored = await screen.findByRole("region", { name: "Ignored" });
    expect(ignored).toHaveTextContent("Nothing comes from beta.example");
    await waitFor(() => expect(nav).not.toHaveTextContent("wrong"));
    await person.click(within(ignored).getByRole("button", { name: "Show again" }));
    expect(await screen.findByRole("region", { name: "Broken" })).toBeInTheDocument();
    expect(screen.queryByRole("region", { name: "Ignored" })).toBeNull();
  });

  it("claims no more than was looked at", async () => {
    const node = new TestNode();
    node.peers = [peer("beta.example")];
    open(node, "/repairs");
    const nothing = await screen.findByTestId("nothing-wrong");
    expect(nothing).toHaveTextContent("Nothing is wrong that this node can see.");
    expect(nothing).toHaveTextContent("at how it goes with 1 provider");
    expect(nothing).toHaveTextContent("only from those that come here");
    node.repairs = { ...node.repairs, looked: null };
    node.emit({ type: "repairs" });
    await waitFor(() => expect(nothing).toHaveTextContent("It has not been looked yet"));
    expect(nothing).not.toHaveTextContent("Nothing is wrong");
  });

  it("tells what has begun and when it is listed, and does not say that nothing is wrong", async () => {
    const node = new TestNode();
    const { subject, kind, code, stage, side } = repair();
    const text = "Nothing comes from beta.example: its clock is ahead.";
    node.repairs = {
      ...node.repairs,
      begun: [{ subject, kind, code, stage, side, text, since: at(-40_000), listed_after_s: 120 }],
    };
    open(node, "/repairs");
    const begun = await screen.findByRole("region", { name: "Begun" });
    expect(begun).toHaveTextContent(text);
    expect(begun).toHaveTextContent(/for 4\d s.*· listed when it has lasted 2 minutes/);
    const nothing = screen.getByTestId("nothing-wrong");
    expect(nothing).toHaveTextContent("Nothing is wrong that has lasted.");
    expect(nothing).not.toHaveTextContent("Nothing is wrong that this node can see.");
  });

  it("keeps what is over, with how long it lasted and when it was ignored", async () => {
    const node = new TestNode();
    const over = repair({ since: at(-7_200_000), gone: at(-3_600_000), ignored_at: at(-5_400_000) });
    node.repairs = { ...node.repairs, history: [over] };
    open(node, "/repairs");
    const history = await screen.findByTestId("repairs-history");
    expect(history).toHaveTextContent(/gone 1 h ago · lasted 1 h · raised .* · ignored/);
  });

  it("stands on the overview as the same list", async () => {
    const node = new TestNode();
    node.repairs = { ...node.repairs, open: [repair()], ignored: [ENDS_SOON] };
    open(node);
    const panel = await screen.findByRole("region", { name: "Repairs" });
    await waitFor(() => expect(panel).toHaveTextContent("Nothing comes from beta.example"));
    expect(panel).not.toHaveTextContent("ends on 2026-12-01");
    node.repairs = { ...node.repairs, open: [] };
    node.emit({ type: "repairs" });
    await waitFor(() =>
      expect(panel).toHaveTextContent("Nothing is wrong that this node can see. 1 more is ignored."),
    );
  });
});
