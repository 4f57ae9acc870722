import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { AdminError } from "@/platform";
import { peer, TestNode, traffic, waitingProvider } from "./node";
import { open } from "./render";

const placeOf = (router: ReturnType<typeof open>["router"]) =>
  router.state.location.search as Record<string, unknown>;

describe("what a screen has open, chosen or filtered", () => {
  it("stands in the address, and is there again after a reload: the requests", async () => {
    const node = new TestNode();
    node.traffic = [traffic(1), traffic(2, { status: 500, code: "internal" })];
    const { person, router, unmount } = open(node, "/traffic");
    await person.click(await screen.findByRole("button", { name: "Errors" }));
    await person.click((await screen.findAllByTestId("traffic-row"))[0] as HTMLElement);
    await waitFor(() => expect(placeOf(router)).toEqual({ errors: "only", open: "2" }));
    const address = router.state.location.href;
    unmount();

    open(node, address);
    expect(await screen.findByRole("button", { name: "Errors", pressed: true })).toBeInTheDocument();
    expect(await screen.findByRole("complementary", { name: /Pull/ })).toBeInTheDocument();
    await waitFor(() => expect(screen.getAllByTestId("traffic-row")).toHaveLength(1));
  });

  it("stands in the address: a tab of the approvals", async () => {
    const node = new TestNode();
    node.waiting = [waitingProvider("beta.example")];
    const { person, router, unmount } = open(node, "/approvals");
    await person.click(await screen.findByTestId("tab-decided"));
    await waitFor(() => expect(placeOf(router)).toEqual({ tab: "decided" }));
    unmount();
    open(node, "/approvals?tab=decided");
    expect(await screen.findByTestId("tab-decided")).toHaveAttribute("aria-selected", "true");
  });

  it("stands in the address: a row and a filter", async () => {
    const node = new TestNode();
    node.peers = [peer("beta.example"), peer("gamma.example")];
    const { person, router, unmount } = open(node, "/peers");
    await person.type(await screen.findByRole("searchbox"), "gam");
    await person.click(await screen.findByRole("button", { name: "gamma.example" }));
    await waitFor(() => expect(placeOf(router)).toEqual({ filter: "gam", open: "gamma.example" }));
    unmount();
    open(node, "/peers?filter=gam&open=gamma.example");
    expect(await screen.findByRole("complementary")).toHaveTextContent("gamma.example");
    expect(await screen.findByRole("searchbox")).toHaveValue("gam");
  });

  it("says what is meant where an address names what is not there", async () => {
    const node = new TestNode();
    const first = open(node, "/conversations?user=nobody");
    expect(await screen.findByText("There is no account “nobody” at this provider.")).toBeInTheDocument();
    await first.person.click(screen.getByText("The accounts that there are"));
    await waitFor(() => expect(placeOf(first.router).user).not.toBe("nobody"));
    first.unmount();

    node.answers = {
      peer: () => {
        throw new AdminError("malformed", "peer: invalid value at line 1 column 20");
      },
    };
    open(node, "/peers?open=%25%25");
    expect(await screen.findByText(/“%%” is not a provider's name/)).toBeInTheDocument();
    expect(screen.queryByText(/line 1 column/)).toBeNull();
  });
});

describe("the palette", () => {
  it.each([
    ["New group", "New group"],
    ["Add a provider", "Add a provider"],
    ["Ask for a connection", "Ask for a connection"],
    ["New account", "New account"],
  ])("knows “%s” on every screen", async (command, title) => {
    const { person } = open(new TestNode(), "/settings");
    await screen.findByRole("heading", { level: 1, name: "Settings" });
    await person.keyboard("{Control>}k{/Control}");
    await person.type(await screen.findByRole("combobox"), command);
    await person.click(await screen.findByRole("option", { name: new RegExp(command) }));
    expect(await screen.findByRole("dialog", { name: title })).toBeInTheDocument();
  });
});
