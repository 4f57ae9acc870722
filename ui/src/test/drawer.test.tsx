import { screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CLUB, conversation, groupDetail, message } from "./fixtures";
import { peer, TestNode } from "./node";
import { open } from "./render";

const places = [
  ["/peers?open=gamma.example"],
  [`/groups?open=${encodeURIComponent(CLUB)}`],
  [`/conversations?user=alice&open=${encodeURIComponent(CLUB)}&members=shown`],
];

describe("details where there is no room beside the list", () => {
  let node: TestNode;
  beforeEach(() => {
    node = new TestNode();
    node.peers = [peer("gamma.example")];
    node.groups = [groupDetail()];
    node.conversations = [conversation([message(1, "Who brings the oars?")])];
  });
  afterEach(() => vi.restoreAllMocks());

  it.each(places)("are a drawer with the focus over %s, closed by a click beside it", async (place) => {
    const { person } = open(node, place);
    const drawer = await screen.findByRole("complementary");
    await waitFor(() => expect(drawer).toContainElement(document.activeElement as HTMLElement));
    const title = screen.getByRole("heading", { level: 1 });
    expect(title.closest("[inert]")).not.toBeNull();
    await person.click(screen.getByTestId("beside-drawer"));
    await waitFor(() => expect(screen.queryByRole("complementary")).toBeNull());
    expect(title.closest("[inert]")).toBeNull();
  });

  it.each(places)("stand beside what can still be used at %s where there is room", async (place) => {
    const media = window.matchMedia;
    vi.spyOn(window, "matchMedia").mockImplementation((query) => ({
      ...media(query),
      matches: query === "(min-width: 68rem)",
    }));
    open(node, place);
    await screen.findByRole("complementary");
    expect(screen.getByRole("heading", { level: 1 }).closest("[inert]")).toBeNull();
  });

  it("give the focus back to what opened them", async () => {
    const { person } = open(node, `/conversations?user=alice&open=${encodeURIComponent(CLUB)}`);
    await person.click(await screen.findByTestId("members"));
    await screen.findByRole("complementary");
    await person.keyboard("{Escape}");
    await waitFor(() => expect(screen.getByTestId("members")).toHaveFocus());
  });
});
