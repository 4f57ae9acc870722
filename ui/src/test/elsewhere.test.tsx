import { act, screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { asked } from "@/domain/machine/asked";
import { violations } from "./axe";
import { asRefused, FINGERPRINT, fault, LINK, machine, OTHER_FINGERPRINT, TestMachines } from "./machines";
import { TestNode, waitingProvider } from "./node";
import { open } from "./render";

/** The window of a computer whose own provider is `alpha.example`. */
function withOwn(): TestMachines {
  const here = new TestNode();
  here.mode = "own";
  return new TestMachines(here);
}

const menu = async (person: ReturnType<typeof open>["person"]) => {
  await person.click(await screen.findByTestId("switcher"));
  return screen.findByRole("menu");
};

describe("providers on other machines", () => {
  it("are added by a link, once the fingerprint was compared, and then shown", async () => {
    const machines = withOwn();
    const { person } = open(machines.here);
    await person.click(within(await menu(person)).getByTestId("add-machine"));
    const dialog = await screen.findByRole("dialog", { name: "Administer a provider on another machine" });
    await person.click(within(dialog).getByRole("button", { name: "Continue" }));
    expect(await within(dialog).findByText("Paste the link first.")).toBeInTheDocument();
    const link = within(dialog).getByLabelText("Link");
    await person.type(link, "https://nas.example:9103");
    await person.click(within(dialog).getByRole("button", { name: "Continue" }));
    expect(await within(dialog).findByText("This is no whole link.")).toBeInTheDocument();
    expect(await violations()).toEqual([]);
    await person.clear(link);
    await person.type(link, LINK);
    await person.click(within(dialog).getByRole("button", { name: "Continue" }));

    expect(await within(dialog).findByTestId("met-fingerprint")).toHaveTextContent(FINGERPRINT);
    expect(dialog).toHaveTextContent("https://nas.example:9103");
    expect(dialog).not.toHaveTextContent(/An authority/);
    expect(await violations()).toEqual([]);
    // Nothing of the link was used before that.
    expect(machines.told.filter(([what]) => what === "add")).toEqual([]);
    await person.click(within(dialog).getByRole("button", { name: "They are the same: connect" }));
    await waitFor(() => expect(screen.getByTestId("shown")).toHaveTextContent("home.example"));
    expect(screen.getByTestId("shown-place")).toHaveTextContent("nas.example:9103");
    expect(machines.told.slice(-2)).toEqual([
      ["add", LINK, FINGERPRINT, null],
      ["show", "nas"],
    ]);
    expect(screen.queryByText(/has no keychain/)).toBeNull();
  });

  it("are asked what was asked of this computer's own, and the other way round", async () => {
    const machines = withOwn();
    const there = machines.keep(machine({ waiting: 1 }));
    there.waiting = [waitingProvider("delta.example")];
    const { person } = open(machines.here, "/approvals");
    const shown = await menu(person);
    const row = within(shown).getByTestId("show-nas");
    expect(row).toHaveTextContent("home.example");
    expect(row).toHaveTextContent("nas.example:9103 · 1 thing waits");
    expect(within(shown).getByTestId("show-here")).toHaveAttribute("aria-current", "true");
    expect(await violations(shown)).toEqual([]);
    await person.click(row);
    const asker = await screen.findByTestId("waiting-provider-delta.example");
    await person.click(within(asker).getByTestId("approve"));
    await waitFor(() =>
      expect(there.requests("set-peer")).toEqual([{ provider: "delta.example", state: "allowed" }]),
    );
    expect(machines.here.requests("set-peer")).toEqual([]);

    // This computer's own is named in the menu, and is back as it was.
    const again = within(await menu(person)).getByTestId("show-here");
    await waitFor(() => expect(again).toHaveTextContent(machines.here.provider));
    await person.click(again);
    await waitFor(() => expect(screen.getByTestId("shown")).toHaveTextContent(machines.here.provider));
    expect(screen.queryByTestId("waiting-provider-delta.example")).toBeNull();
    expect(machines.list.shown).toBeNull();
  });

  it("are shown at once where they were shown last", async () => {
    const machines = withOwn();
    machines.keep();
    machines.change({ shown: "nas" });
    open(machines.here);
    expect(await screen.findByTestId("shown")).toHaveTextContent("home.example");
    expect(machines.here.told).not.toContainEqual({ command: "peers", request: {} });
  });

  it("are shown where the shell asks for it, as for a notification", async () => {
    const machines = withOwn();
    machines.keep();
    open(machines.here);
    await screen.findByTestId("switcher");
    act(() => asked.set({ machine: "nas" }));
    await waitFor(() => expect(screen.getByTestId("shown")).toHaveTextContent("home.example"));
    act(() => asked.set({ machine: null }));
    await waitFor(() => expect(screen.getByTestId("shown")).toHaveTextContent(machines.here.provider));
  });

  it("are not added to a list that cannot be read, and why is said", async () => {
    const machines = withOwn();
    machines.change({ unreadable: "the list of other machines cannot be read" });
    const { person } = open(machines.here);
    await person.click(within(await menu(person)).getByTestId("add-machine"));
    const dialog = await screen.findByRole("dialog", { name: "Administer a provider on another machine" });
    expect(dialog).toHaveTextContent("The list of other machines cannot be read.");
    expect(within(dialog).queryByLabelText("Link")).toBeNull();
  });

  it("are offered on the first screen of the window, and not in a browser", async () => {
    const machines = new TestMachines();
    machines.here.mode = "new";
    machines.kept = "file";
    const { person, unmount } = open(machines.here);
    await person.click(await screen.findByTestId("first-add-machine"));
    expect(await violations()).toEqual([]);
    await person.type(await screen.findByLabelText("Link"), LINK);
    await person.click(screen.getByTestId("look-at-machine"));
    await person.click(await screen.findByTestId("confirm-machine"));
    expect(await screen.findByTestId("shown")).toHaveTextContent("home.example");
    // Without a keychain that is said.
    expect(await screen.findByText(/This computer has no keychain/)).toBeInTheDocument();
    unmount();

    const browser = new TestNode();
    browser.mode = "new";
    open(browser);
    await screen.findByTestId("start-demo");
    expect(screen.queryByTestId("first-add-machine")).toBeNull();
  });
});

describe("a machine that cannot be used", () => {
  it.each([
    ["name", { step: "name", code: "no-address", detail: "the name nas.example has no address" }],
    ["connect", {}],
    ["answer", { step: "answer", code: "no-answer", detail: "Drawbridge does not answer there" }],
  ] as const)("says from the beginning at which step: %s", async (step, over) => {
    const machines = withOwn();
    const there = machines.keep();
    machines.change({ shown: "nas" });
    there.lostFor = asRefused(fault(over));
    const { person } = open(machines.here);
    const why = await screen.findByTestId(`step-${step}`);
    expect(why).toHaveAttribute("data-state", "failed");
    expect(screen.getByTestId("unreached")).toHaveTextContent("home.example is not reached");
    const states = screen.getAllByRole("listitem").map((row) => row.dataset.state);
    const at = states.indexOf("failed");
    expect(states.slice(0, at).every((state) => state === "went")).toBe(true);
    expect(states.slice(at + 1).every((state) => state === "untried")).toBe(true);
    expect(await violations()).toEqual([]);
    await person.click(screen.getByTestId("retry-machine"));
    expect(machines.told.at(-1)).toEqual(["retry", "nas"]);

    // It comes back by itself.
    there.lostFor = null;
    act(() => there.heal());
    expect(await screen.findByTestId("health")).toBeInTheDocument();
  });

  it("leaves on the screen what was read while it may come back by itself, and says why", async () => {
    const machines = withOwn();
    const there = machines.keep();
    machines.change({ shown: "nas" });
    open(machines.here);
    await screen.findByTestId("health");
    act(() => machines.lose("nas", fault()));
    const banner = await screen.findByTestId("link-lost");
    expect(banner).toHaveTextContent("home.example is not reached.No connection to it: Connection refused.");
    act(() => there.heal());
    await waitFor(() => expect(screen.queryByTestId("link-lost")).toBeNull());
  });

  it("shows both fingerprints where the certificate is another, and trusts the new one on a click alone", async () => {
    const machines = withOwn();
    const there = machines.keep();
    machines.change({ shown: "nas" });
    const { person } = open(machines.here);
    await screen.findByTestId("health");
    const certificate = { confirmed: FINGERPRINT, shown: OTHER_FINGERPRINT, vouched: false };
    const changed = fault({
      step: "certificate",
      code: "certificate-changed",
      detail: "it shows another",
      certificate,
    });
    act(() => machines.lose("nas", changed));
    expect(await screen.findByTestId("unreached")).toHaveTextContent(
      "home.example shows another certificate",
    );
    expect(screen.getByTestId("confirmed-fingerprint")).toHaveTextContent(FINGERPRINT);
    expect(screen.getByTestId("shown-fingerprint")).toHaveTextContent(OTHER_FINGERPRINT);
    expect(screen.queryByTestId("health")).toBeNull();
    expect(await violations()).toEqual([]);
    expect(machines.told.filter(([what]) => what === "trust")).toEqual([]);
    await person.click(screen.getByTestId("trust-machine"));
    expect(machines.told.at(-1)).toEqual(["trust", "nas", OTHER_FINGERPRINT]);
    expect(await screen.findByTestId("health")).toBeInTheDocument();
    expect(there.down).toBe(false);
  });

  it("asks for a new link where the session was ended, and compares no certificate that was compared", async () => {
    const machines = withOwn();
    const there = machines.keep();
    machines.change({ shown: "nas" });
    machines.met = { ...machines.met, confirmed: true };
    const { person } = open(machines.here);
    await screen.findByTestId("health");
    const ended = fault({ step: "session", code: "session-ended", detail: "this session was ended" });
    act(() => there.lock(asRefused(ended)));
    expect(await screen.findByTestId("unreached")).toHaveTextContent(
      "Your session with home.example is over",
    );
    expect(screen.getByTestId("step-session")).toHaveTextContent(
      "It was ended there, or was not used for thirty days.",
    );
    expect(await violations()).toEqual([]);
    const link = screen.getByLabelText("Link");
    await person.type(link, "https://nas.example:9103/#token=used");
    await person.click(screen.getByTestId("look-at-machine"));
    expect(await screen.findByText("This link was used before.")).toBeInTheDocument();
    await person.clear(link);
    await person.type(link, LINK);
    await person.click(screen.getByTestId("look-at-machine"));
    expect(await screen.findByTestId("health")).toBeInTheDocument();
    expect(machines.told).toContainEqual(["add", LINK, FINGERPRINT, "nas"]);
    expect(machines.list.machines).toHaveLength(1);
  });

  it("says that another version may not understand this one", async () => {
    const machines = withOwn();
    machines.keep(machine({ version: "0.9.0", understood: false }));
    machines.change({ shown: "nas" });
    open(machines.here);
    expect(await screen.findByTestId("other-version")).toHaveTextContent(
      "home.example runs Drawbridge 0.9.0, and this app is 0.1.0",
    );
  });

  it("is forgotten once that is confirmed, and says where its session is still listed", async () => {
    const machines = withOwn();
    machines.keep();
    machines.change({ shown: "nas" });
    machines.ended = false;
    const { person } = open(machines.here, "/settings");
    const panel = await screen.findByTestId("other-machine");
    expect(panel).toHaveTextContent(FINGERPRINT);
    expect(panel).toHaveTextContent("in your computer's keychain");
    expect(await violations(panel)).toEqual([]);
    await person.click(within(panel).getByRole("button", { name: "Forget this machine…" }));
    const dialog = await screen.findByRole("dialog", { name: "Forget home.example?" });
    expect(machines.told.filter(([what]) => what === "forget")).toEqual([]);
    await person.click(within(dialog).getByRole("button", { name: "Forget it" }));
    expect(await screen.findByText(/still in its list of browsers/)).toBeInTheDocument();
    expect(screen.getByTestId("shown")).toHaveTextContent(machines.here.provider);
    expect(machines.list.machines).toEqual([]);
  });
});
