import { createMemoryHistory } from "@tanstack/react-router";
import { render, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { App } from "@/app/App";
import { makeRouter } from "@/app/router";
import type { CheckStep } from "@/bindings/CheckStep";
import { nextStep, sections } from "@/domain/check/words";
import { AdminError } from "@/platform";
import { failingPeer, peer, step, TestNode, US } from "./node";
import { open } from "./render";

const NAME = step("name", "beta.example is a name that a provider can have");
const REFUSED = step("connect", "192.0.2.1 refused the connection", {
  at: "192.0.2.1:443",
  verdict: "fail",
  code: "connection-refused",
  stage: "connect",
  side: "theirs",
  evidence: [{ what: "asked", value: "192.0.2.1, port 443" }],
});
const FAILED = {
  summary: "The operator of the other provider has to change something. At the step connect: it refused.",
  is_finished: true,
};
const WELL = { summary: "Everything between this provider and beta.example works.", is_finished: true };

/** Once the look at `provider` has begun at the node. */
async function begun(node: TestNode, looks = 1): Promise<void> {
  await waitFor(() => expect(node.requests("check-report")).not.toEqual([]));
  await waitFor(() => expect(node.reports).toHaveLength(looks));
}

describe("the doctor", () => {
  it("is found in the navigation, and looks at what is typed, by Enter", async () => {
    const node = new TestNode();
    node.peers = [peer("gamma.example"), failingPeer("beta.example")];
    const { person, router } = open(node);
    await person.click(await screen.findByTestId("nav-doctor"));
    const known = await screen.findByRole("region", { name: "Known providers" });
    expect(
      within(known)
        .getAllByRole("link")
        .map((each) => each.textContent),
    ).toEqual(["beta.example beta", "gamma.example"]);

    const field = screen.getByRole("combobox", { name: "Provider" });
    await person.type(field, "{Enter}");
    expect(screen.getByText("Give the provider's name, such as home.example.")).toBeInTheDocument();
    expect(node.requests("check")).toEqual([]);
    await person.type(field, " delta.example:8443 {Enter}");
    await waitFor(() => expect(node.requests("check")).toEqual([{ provider: "delta.example:8443" }]));
    expect(router.state.location.search).toEqual({ provider: "delta.example:8443" });
    await waitFor(() => expect(field).toHaveValue("delta.example:8443"));
    expect(field).toHaveFocus();
  });

  it("shows each step as it comes, who has to act, what to do, and what was seen", async () => {
    const node = new TestNode();
    const { person } = open(node, "/doctor?provider=beta.example");
    expect(await screen.findByText("Next: Name")).toBeInTheDocument();
    await begun(node);
    node.found([NAME]);
    expect(await screen.findByText(NAME.text)).toBeInTheDocument();
    expect(screen.getByText("Next: Name lookup")).toBeInTheDocument();
    expect(screen.getByTestId("verdict")).toHaveTextContent("Looking beta.example");
    await waitFor(() => expect(node.requests("check-report")).toContainEqual({ id: 1, after: 1 }));

    const looked = { evidence: [{ what: "found by this computer", value: "192.0.2.1" }] };
    node.found([step("dns", "beta.example is at 192.0.2.1", looked), REFUSED]);
    const address = await screen.findByRole("list", { name: "192.0.2.1:443" });
    const failed = within(address).getByTestId("step-connect");
    expect(failed).toHaveTextContent("Connection: Failed");
    expect(within(failed).getByTestId("todo")).toHaveTextContent(
      /^Its operator has to act\. Code connection-refused Nothing listens there: most often it is switched off, or the port in the name is wrong\./,
    );
    expect(within(failed).getByText("192.0.2.1, port 443")).toBeVisible();
    expect(screen.getByTestId("verdict")).toHaveTextContent("Does not work beta.example");

    const lookup = screen.getByTestId("step-dns");
    expect(lookup).toHaveTextContent("Name lookup: Went well");
    expect(within(lookup).queryByTestId("todo")).toBeNull();
    expect(within(lookup).queryByText("found by this computer")).toBeNull();
    await person.click(within(lookup).getByRole("button", { name: "What was seen: Name lookup" }));
    expect(within(lookup).getByText("found by this computer")).toBeVisible();
    await person.click(within(lookup).getByRole("button", { name: "Copy found by this computer" }));
    expect(await navigator.clipboard.readText()).toBe("192.0.2.1");

    const skipped = step("our-pull", "we pull only from providers that are let in", { verdict: "skipped" });
    node.found([skipped], FAILED);
    expect(await screen.findByText(FAILED.summary)).toBeInTheDocument();
    expect(screen.getByTestId("step-our-pull")).toHaveTextContent("We pull it: Not done");
    expect(screen.getByText(/^4 steps, 1 failed · begun/)).toBeInTheDocument();
    expect(screen.queryByText(/^Next:/)).toBeNull();
  });

  it.each([
    ["ours", "You have to act."],
    ["theirs", "Its operator has to act."],
    ["either", "One of you has to act."],
    ["nobody", "Nobody has to act: wait."],
    [null, "One of you has to act."],
  ] as const)("says in words that %s has to act", async (side, words) => {
    const node = new TestNode();
    open(node, "/doctor?provider=beta.example");
    await begun(node);
    const warned = step("clock", "its clock is 40 s ahead", { verdict: "warn", code: "clock-off", side });
    node.found([NAME, warned], { ...FAILED, summary: "A clock is wrong." });
    expect(await screen.findByTestId("todo")).toHaveTextContent(`${words} Code clock-off It works so far`);
    expect(screen.getByTestId("verdict")).toHaveTextContent("Works, with a warning beta.example");
  });

  it("says that it works only where nothing that is needed is missed", async () => {
    const node = new TestNode();
    open(node, "/doctor?provider=beta.example");
    await begun(node);
    const ended = step("this-side", "our certificate ended", {
      verdict: "warn",
      code: "certificate-expired",
      side: "ours",
    });
    node.found([NAME, ended], { ...FAILED, works: false });
    expect(await screen.findByTestId("verdict")).toHaveTextContent("Not everything works beta.example");
    expect(screen.getByTestId("todo")).toHaveTextContent(
      "You have to act. Code certificate-expired Your certificate has run out.",
    );
  });

  it("says that it does not work yet where a decision is waited for", async () => {
    const node = new TestNode();
    open(node, "/doctor?provider=beta.example");
    await begun(node);
    const waits = step("peering", "we wait there", { verdict: "wait", code: "peer-pending", side: "theirs" });
    node.found([NAME, waits], FAILED);
    expect(await screen.findByTestId("todo")).toHaveTextContent(
      "Its operator has to act. Code peer-pending Its operator has not let you in yet.",
    );
    expect(screen.getByTestId("verdict")).toHaveTextContent("Does not work yet beta.example");
  });

  it("says that all is well only when all is done", async () => {
    const node = new TestNode();
    open(node, "/doctor?provider=beta.example");
    await begun(node);
    node.found([NAME], { summary: WELL.summary });
    await screen.findByText(NAME.text);
    expect(screen.queryByText(WELL.summary)).toBeNull();
    node.found([], WELL);
    expect(await screen.findByText(WELL.summary)).toBeInTheDocument();
    expect(screen.getByTestId("verdict")).toHaveTextContent("Works beta.example");
  });

  it("shows a name that is none, and what misleads in it", async () => {
    const node = new TestNode();
    open(node, `/doctor?provider=${encodeURIComponent("Not a\u202Ename")}`);
    await begun(node);
    const text = '"Not a\u202Ename" is no provider\'s name';
    const malformed = { verdict: "fail", code: "name-malformed", stage: "dns", side: "ours" } as const;
    node.found([step("name", text, malformed)], FAILED);
    expect(await screen.findByText('"Not a[U+202E]name" is no provider\'s name')).toBeInTheDocument();
    expect(screen.getByTestId("verdict")).toHaveTextContent("Does not work Not a[U+202E]name");
    expect(screen.getByTestId("todo")).toHaveTextContent(
      /^You have to act\. Code name-malformed Type it as its operator gives it/,
    );
  });

  it("offers another look where the node has lost the report, or refuses to begin", async () => {
    const node = new TestNode();
    const { person } = open(node, "/doctor?provider=beta.example");
    await begun(node);
    node.found([NAME]);
    await screen.findByText(NAME.text);
    node.answers["check-report"] = () => {
      throw new AdminError("unfit", "there is no report 1 any more; look again");
    };
    node.found([step("dns", "found")]);
    // The request that waited is answered; the next is refused.
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "The node does not have this report any more: it was started anew, or has made many others since. The rest of the report is missing.",
    );
    expect(screen.getByText("found")).toBeInTheDocument();
    expect(screen.getByTestId("verdict")).toHaveTextContent("Not finished beta.example");

    node.answers.check = () => {
      throw new AdminError("unfit", "4 providers are being looked at already; wait until one is done");
    };
    await person.click(screen.getByTestId("look-again"));
    expect(await screen.findByRole("alert")).toHaveTextContent(
      "The check did not begin. 4 providers are being looked at already; wait until one is done.",
    );
    node.answers = {};
    await person.click(screen.getByRole("button", { name: "Try again" }));
    await begun(node, 2);
    node.found([NAME], WELL);
    expect(await screen.findByText(WELL.summary)).toBeInTheDocument();
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("goes on by itself once the node is back", async () => {
    const node = new TestNode();
    open(node, "/doctor?provider=beta.example");
    await begun(node);
    node.lose();
    node.found([NAME]);
    await screen.findByText(NAME.text);
    node.heal();
    node.found([], WELL);
    expect(await screen.findByText(WELL.summary)).toBeInTheDocument();
    expect(node.requests("check")).toHaveLength(1);
  });

  it("is come to from a peer, and does not look again by mere going back and forth", async () => {
    const node = new TestNode();
    node.peers = [failingPeer("beta.example")];
    const { person, router } = open(node, "/peers");
    await person.click(await screen.findByRole("link", { name: "Look into it" }));
    await begun(node);
    node.found([NAME], WELL);
    await screen.findByText(WELL.summary);
    await person.click(screen.getByRole("link", { name: "Open in Peers" }));
    const details = await screen.findByRole("complementary");
    await person.click(within(details).getByRole("link", { name: "Run the check" }));
    expect(await screen.findByText(WELL.summary)).toBeInTheDocument();
    router.history.back();
    await screen.findByRole("complementary");
    router.history.back();
    expect(await screen.findByText(WELL.summary)).toBeInTheDocument();
    expect(node.requests("check")).toHaveLength(1);

    await person.click(screen.getByTestId("look-again"));
    await begun(node, 2);
    node.found([NAME, REFUSED], FAILED);
    expect(await screen.findByText(FAILED.summary)).toBeInTheDocument();

    vi.spyOn(performance, "now").mockReturnValue(performance.now() + 61_000);
    router.history.forward();
    await screen.findByRole("complementary");
    router.history.back();
    await begun(node, 3);
  });

  it("shows the same report after a reload of the page, and another look through a link", async () => {
    const node = new TestNode();
    const history = createMemoryHistory({ initialEntries: ["/doctor?provider=beta.example"] });
    const page = () => render(<App platform={node} router={makeRouter(history)} />);
    const first = page();
    await begun(node);
    node.found([NAME], WELL);
    await screen.findByText(WELL.summary);
    await waitFor(() => expect(history.location.state).toMatchObject({ look: { id: 1 } }));
    first.unmount();
    const second = page();
    expect(await screen.findByText(WELL.summary)).toBeInTheDocument();
    expect(node.requests("check")).toHaveLength(1);
    second.unmount();

    // A node that was started anew gives the same number to a report of its own.
    node.reports = [{ ...(node.reports[0] as (typeof node.reports)[0]), began: "2026-11-24T12:00:00.000Z" }];
    const third = page();
    expect(await screen.findByRole("alert")).toHaveTextContent(
      /^The node does not have this report any more/,
    );
    expect(screen.queryByText(WELL.summary)).toBeNull();
    expect(screen.getByTestId("verdict")).toHaveTextContent("Not finished beta.example");
    third.unmount();

    open(node, "/doctor?provider=beta.example");
    await begun(node, 2);
  });

  it("copies the report as lines of text", async () => {
    const node = new TestNode();
    const { person } = open(node, "/doctor?provider=beta.example");
    await begun(node);
    node.found([NAME, REFUSED], FAILED);
    await screen.findByText(FAILED.summary);
    await person.click(screen.getByRole("button", { name: "Copy as text" }));
    expect(await screen.findByText("The report is copied.")).toBeInTheDocument();
    const copied = await navigator.clipboard.readText();
    const [head, , name, connect, todo, more, evidence, , summary] = copied.split("\n");
    expect(head).toBe(`beta.example, checked by ${US} at 2026-11-23 12:00:00 UTC`);
    expect(name).toBe("name             3 ms  ok        beta.example is a name that a provider can have");
    expect(connect).toBe(
      "connect          3 ms  FAILED    192.0.2.1:443: 192.0.2.1 refused the connection (connection-refused)",
    );
    expect(todo).toMatch(/^ {33}the other side: Nothing listens there: /);
    expect(more).toBe(`${" ".repeat(33)}More in the guide: No connection`);
    expect(evidence).toBe(`${" ".repeat(33)}asked: 192.0.2.1, port 443`);
    expect(summary).toBe(FAILED.summary);
  });

  it("is a command of the palette, for the screen and for each peer", async () => {
    const node = new TestNode();
    node.peers = [peer("gamma.example")];
    const { person, router } = open(node);
    await waitFor(() => expect(screen.getAllByText("gamma.example").length).toBeGreaterThan(0));
    await person.keyboard("{Control>}k{/Control}");
    await person.type(await screen.findByRole("combobox"), "check gam{Enter}");
    await waitFor(() => expect(router.state.location.href).toContain("/doctor?provider=gamma.example"));
    await person.keyboard("{Control>}k{/Control}");
    expect(await screen.findByRole("option", { name: /Go to Doctor/ })).toBeInTheDocument();
  });
});

const inRegion = (name: string) => within(screen.getByRole("region", { name }));

describe("the doctor for this provider itself", () => {
  const OWN_REFUSED = { ...REFUSED, side: "ours" } as const;
  const SEEN = { summary: "It finds this provider as it should be.", is_finished: true };

  it("looks by a button beside the provider's field, and says what to do at home", async () => {
    const node = new TestNode();
    const { person, router } = open(node, "/doctor");
    const button = await screen.findByRole("button", { name: "Check me" });
    expect(button).toHaveAccessibleDescription("Look at this provider, as others find it");
    await person.click(button);
    await begun(node);
    expect(node.requests("check")).toEqual([{}]);
    expect(router.state.location.search).toEqual({ self: 1 });
    expect(router.state.location.href).toContain("/doctor?self=1");
    node.found([NAME, OWN_REFUSED]);
    expect(await screen.findByTestId("todo")).toHaveTextContent(
      /^You have to act\. Code connection-refused Nothing takes connections at your address and port\./,
    );
    expect(screen.getByTestId("todo")).not.toHaveTextContent("most often it is switched off");
    expect(screen.getByTestId("verdict")).toHaveTextContent("Does not work This provider");
    expect(inRegion("The way to you").getByTestId("step-connect")).toBeInTheDocument();
    expect(screen.queryByText(/^Next: We pull it/)).toBeNull();

    node.found([step("document", "its document is in order")], FAILED);
    expect(await screen.findByText(FAILED.summary)).toBeInTheDocument();
    expect(inRegion("Your document").getByTestId("step-document")).toBeInTheDocument();
    await person.click(screen.getByRole("button", { name: "Copy as text" }));
    const copied = await navigator.clipboard.readText();
    expect(copied).toMatch(`${US}, checked by itself at 2026-11-23 12:00:00 UTC`);
    expect(copied).toContain("this side: Nothing takes connections at your address and port.");

    await person.click(screen.getByRole("button", { name: "Check me" }));
    await begun(node, 2);
  });

  it("has the words for a peer where there are none of its own", async () => {
    const node = new TestNode();
    open(node, "/doctor?self=1");
    await begun(node);
    node.found([step("ping", "it refused", { verdict: "fail", code: "unavailable", side: "ours" })], FAILED);
    expect(await screen.findByTestId("todo")).toHaveTextContent("It is too busy at the moment.");
  });

  it("is the same look by a typed name", async () => {
    const node = new TestNode();
    const { router } = open(node, `/doctor?provider=${US}`);
    await begun(node);
    node.found([NAME], WELL);
    await screen.findByText(WELL.summary);
    expect(screen.getByTestId("verdict")).toHaveTextContent("Works This provider");
    await router.navigate({ to: "/doctor", search: { self: 1 } });
    expect(await screen.findByText(WELL.summary)).toBeInTheDocument();
    expect(node.requests("check")).toHaveLength(1);
  });

  it("has a peer look that is let in, and awaits its answer", async () => {
    const node = new TestNode();
    node.peers = [
      failingPeer("gamma.example"),
      peer("beta.example"),
      peer("evil.example", { state: "blocked" }),
    ];
    const { person, router } = open(node, "/doctor");
    await person.click(await screen.findByRole("button", { name: "Have a peer look" }));
    const menu = await screen.findByRole("menu");
    const offered = within(menu).getAllByRole("menuitem");
    expect(offered.map((each) => each.textContent)).toEqual([
      expect.stringMatching(/^beta\.example/),
      expect.stringMatching(/^gamma\.example/),
    ]);
    await person.click(offered[0] as HTMLElement);
    await begun(node);
    expect(node.requests("look-back")).toEqual([{ provider: "beta.example" }]);
    expect(node.requests("check")).toEqual([]);
    expect(router.state.location.href).toContain("/doctor?self=1&by=beta.example");
    expect(await screen.findByTestId("summary")).toHaveTextContent(
      "beta.example is asked to look. Its answer is awaited, and may take a minute.",
    );
    expect(screen.getByText("Awaited: its answer")).toBeInTheDocument();
    expect(screen.getByTestId("verdict")).toHaveTextContent("Looking This provider as beta.example sees it");

    const late = step("tls", "it is signed by itself", {
      at: "192.0.2.1:443",
      verdict: "fail",
      code: "certificate-self-signed",
      side: "ours",
    });
    node.found([NAME, late], FAILED);
    expect(await screen.findByText(FAILED.summary)).toBeInTheDocument();
    expect(screen.queryByText("Awaited: its answer")).toBeNull();
    expect(screen.getByTestId("verdict")).toHaveTextContent(
      "Does not work This provider as beta.example sees it",
    );
    expect(inRegion("The way to you").getByTestId("todo")).toHaveTextContent(
      "Your certificate is signed by itself",
    );
    await person.click(screen.getByRole("button", { name: "Copy as text" }));
    expect(await navigator.clipboard.readText()).toMatch(`${US}, as beta.example sees it, checked at `);

    await person.click(screen.getByTestId("have-peer-look"));
    await person.click(await screen.findByTestId("looker-gamma.example"));
    await begun(node, 2);
    node.found([NAME], SEEN);
    expect(await screen.findByText(SEEN.summary)).toBeInTheDocument();
    router.history.back();
    expect(await screen.findByText(FAILED.summary)).toBeInTheDocument();
    await person.click(screen.getByTestId("look-again"));
    await begun(node, 3);
    expect(node.requests("look-back")).toEqual(
      ["beta.example", "gamma.example", "beta.example"].map((provider) => ({ provider })),
    );
  });

  it.each([
    ["look-back", "fail", "look-back-refused", "policy", "Ask its operator to set [peers] look_back = true"],
    [
      "look-back",
      "fail",
      "look-back-late",
      "content",
      "It has taken the request and its answer has not come here.",
    ],
    ["look-back", "fail", "rate-limited", "policy", "It was asked too often: a peer looks once a minute"],
    [
      "look-back",
      "fail",
      "connection-refused",
      "connect",
      "Nothing listens there: most often it is switched off, or the port in the name is wrong",
    ],
    ["look-back", "fail", "tls-timeout", "tls", "It takes connections and then says nothing: it may hang."],
  ] as const)("says that nothing was seen: %s, %s, %s", async (name, verdict, code, stage, words) => {
    const node = new TestNode();
    node.peers = [peer("beta.example")];
    open(node, "/doctor?self=1&by=beta.example");
    await begun(node);
    const at = code === "look-back-late" ? null : "beta.example";
    node.found([step(name, "it did not", { at, verdict, code, stage, side: "nobody" })], {
      ...FAILED,
      summary: "It is a matter of waiting.",
    });
    expect(await screen.findByText("It is a matter of waiting.")).toBeInTheDocument();
    expect(screen.getByTestId("verdict")).toHaveTextContent(
      "Nothing was seen This provider as beta.example sees it",
    );
    expect(inRegion("The request to look").getByTestId("todo")).toHaveTextContent(words);
    expect(screen.queryByRole("region", { name: "The way to you" })).toBeNull();
    expect(screen.getByRole("link", { name: "Open in Peers" })).toHaveAttribute(
      "href",
      expect.stringContaining("beta.example"),
    );
  });

  it("shows what a peer saw after a reload of the page, and does not ask it again", async () => {
    const node = new TestNode();
    const history = createMemoryHistory({ initialEntries: ["/doctor?self=1&by=beta.example"] });
    const page = () => render(<App platform={node} router={makeRouter(history)} />);
    const first = page();
    await begun(node);
    await waitFor(() => expect(history.location.state).toMatchObject({ look: { id: 1 } }));
    first.unmount();
    page();
    expect(await screen.findByText("Awaited: its answer")).toBeInTheDocument();
    node.found([NAME], SEEN);
    expect(await screen.findByText(SEEN.summary)).toBeInTheDocument();
    expect(node.requests("look-back")).toHaveLength(1);
    expect(node.requests("check")).toEqual([]);
  });

  it("says where no peer can be asked, and offers none", async () => {
    const node = new TestNode();
    node.peers = [peer("beta.example", { state: "pending" })];
    open(node, "/doctor");
    expect(await screen.findByText(/No peer is let in yet that could look\.$/)).toBeInTheDocument();
    expect(screen.queryByTestId("have-peer-look")).toBeNull();
  });

  it("is a command of the palette, and is come to from trouble with one's own name", async () => {
    const node = new TestNode();
    node.health = { code: "name-unresolved", grade: "bad", about: null, count: 0, of: 0 };
    node.ourselves = { ...node.ourselves, name: "unresolved", name_text: "there is no such name" };
    const { person, router } = open(node);
    const links = await screen.findAllByRole("link", { name: "Check me" });
    expect(links).toHaveLength(2);
    await person.keyboard("{Control>}k{/Control}");
    await person.type(await screen.findByRole("combobox"), "check this{Enter}");
    await begun(node);
    expect(router.state.location.search).toEqual({ self: 1 });
    expect(node.requests("check")).toEqual([{}]);
  });
});

describe("the steps of a report", () => {
  it("stand together by address, and by what they belong to", () => {
    const [one, two] = [{ at: "192.0.2.1:443" }, { at: "[2001:db8::1]:443" }];
    const steps = [
      step("dns", ""),
      step("connect", "", one),
      step("tls", "", one),
      step("connect", "", two),
      step("document", ""),
      step("dns", ""),
      step("connect", "", one),
      step("clock", ""),
    ];
    expect(
      sections({ steps, seen_by: null }).map(({ name, groups }) => [
        name,
        groups.map(({ steps }) => steps.length),
      ]),
    ).toEqual([
      ["way", [1, 2, 1]],
      ["document", [1]],
      ["endpoint", [1, 1]],
      ["answers", [1]],
    ]);
  });

  it("tell what is being done next", () => {
    const next = (steps: CheckStep[], is_own = false) => nextStep({ steps, is_own });
    expect(next([])).toBe("name");
    expect(next([step("tls", "")])).toBe("document");
    expect(next([step("document", ""), step("tls", "")])).toBe("clock");
    expect(next([step("dns", "", { verdict: "fail" })])).toBe("our-pull");
    expect(next([step("ping", "")])).toBe("seen");
    expect(next([step("clock", "")], true)).toBe("ping");
    expect(next([step("ping", "")], true)).toBeNull();
    expect(next([step("dns", "", { verdict: "fail" })], true)).toBeNull();
  });
});
