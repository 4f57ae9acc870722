import file from "@docs/operators.md?raw";
import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { guidePart, headingId } from "@/domain/guide/parts";
import { contents } from "@/screens/guide/contents";
import { t } from "@/text";
import { failingPeer, repair, step, TestNode } from "./node";
import { open } from "./render";

const parts = contents(file).flatMap((heading) => [heading, ...heading.parts]);

describe("the parts of the guide that tell more of what is wrong", () => {
  it("are there", () => {
    const titles = parts.map(({ title }) => title);
    const named = [...Object.keys(t.guideParts), ...Object.values(t.guideStages)];
    expect(named.filter((part) => !titles.includes(part))).toEqual([]);
  });

  it("tell of each code that something is to be done about, each in one part", () => {
    const codes = new Set([...Object.keys(t.remedy.code), ...Object.keys(t.remedy.own)]);
    const told = Object.values(t.guideParts).flat();
    expect([...codes].filter((code) => !told.includes(code))).toEqual([]);
    expect(told.filter((code) => !codes.has(code))).toEqual([]);
    expect(told.filter((code, index) => told.indexOf(code) !== index)).toEqual([]);
    expect(Object.keys(t.guideStages)).toEqual(Object.keys(t.remedy.stage));
  });

  it("are found by the code, else by the stage", () => {
    expect(guidePart({ code: "tls-version", stage: "connect" })).toBe("TLS and certificates");
    expect(guidePart({ code: "unheard-of", stage: "dns" })).toBe("Names and addresses");
    expect(guidePart({ code: "unheard-of", stage: null })).toBeUndefined();
  });

  it("have names of their own, to which every link in the text leads", () => {
    const ids = parts.map(({ id }) => id);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    const links = [...file.matchAll(/\]\(#([^)]*)\)/g)].map(([, id]) => id ?? "");
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((id) => !ids.includes(id))).toEqual([]);
    expect(headingId("Private networks and certificates of one's own")).toBe(
      "private-networks-and-certificates-of-ones-own",
    );
  });
});

describe("the guide", () => {
  it("is the whole text, with its headings, tables and code, and nothing that was not understood", async () => {
    const { container } = open(new TestNode(), "/guide");
    await screen.findByRole("heading", { level: 1, name: "The operator's guide" });
    const guide = container.querySelector(".guide") as HTMLElement;
    const shown = [...guide.querySelectorAll("h2, h3")].map((heading) => [heading.id, heading.textContent]);
    expect(shown).toEqual(parts.map(({ id, title }) => [id, title]));
    expect(guide.querySelectorAll("pre")).toHaveLength(file.split("\n```").length >> 1);
    const rows = file.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
    expect(guide.querySelectorAll("tr")).toHaveLength(rows.length);
    expect(guide.textContent).not.toMatch(/```|\*\*|\| ---/);
    expect(
      within(guide)
        .getByText(/drawbridged check --config FILE 192/)
        .closest("code"),
    ).not.toBeNull();
  });

  it("has a table of contents, and links that lead to its parts and to nothing outside of the pages", async () => {
    const { container, person, router } = open(new TestNode(), "/guide");
    const list = await screen.findByRole("navigation", { name: "Contents" });
    await person.click(within(list).getByText("A proxy in front"));
    await waitFor(() => expect(router.state.location.href).toBe("/guide#a-proxy-in-front"));
    expect(document.activeElement).toBe(document.getElementById("a-proxy-in-front"));
    const guide = container.querySelector(".guide") as HTMLElement;
    const leads = [...guide.querySelectorAll("a")].map((link) => link.getAttribute("href") ?? "");
    expect(leads.filter((href) => !/^(\/guide#|https:)/.test(href))).toEqual([]);
    expect(guide).toHaveTextContent("client API (docs/client-api.md)");
  });

  it("gives its code to be copied as it stands in the file", async () => {
    const { container, person } = open(new TestNode(), "/guide");
    await screen.findByRole("navigation", { name: "Contents" });
    const code = [...container.querySelectorAll(".guide pre")].find((block) =>
      block.textContent?.startsWith("server {"),
    ) as HTMLElement;
    await person.click(within(code.parentElement as HTMLElement).getByRole("button"));
    const copied = await navigator.clipboard.readText();
    expect(copied.trim().length).toBeGreaterThan(100);
    expect(file).toContain(copied.trim());
  });

  it("is opened at the part that tells of a repair", async () => {
    const node = new TestNode();
    node.repairs = { ...node.repairs, open: [repair({ code: "certificate-expired", stage: "tls" })] };
    const { person, router } = open(node, "/repairs");
    const row = await screen.findByTestId("repair-certificate-expired");
    await person.click(within(row).getByRole("link", { name: "TLS and certificates" }));
    await waitFor(() => expect(router.state.location.href).toBe("/guide#tls-and-certificates"));
    await waitFor(() => expect(document.activeElement).toBe(document.getElementById("tls-and-certificates")));
  });

  it("is reached from a peer's trouble and from a step of the doctor", async () => {
    const node = new TestNode();
    node.peers = [failingPeer("beta.example")];
    const first = open(node, "/peers?open=beta.example");
    const [trouble] = failingPeer("beta.example").troubles;
    const part = guidePart(trouble ?? { code: null, stage: null });
    expect(part).toBeDefined();
    expect(await screen.findByRole("link", { name: part as string })).toBeInTheDocument();
    first.unmount();
    open(node, "/doctor?provider=beta.example");
    await screen.findByText("Next: Name");
    node.found([step("clock", "it is 41 s off", { verdict: "warn", code: "clock-off", stage: "signature" })]);
    const found = await screen.findByTestId("step-clock");
    expect(within(found).getByRole("link", { name: "The clock" })).toHaveAttribute(
      "href",
      "/guide#the-clock",
    );
  });

  it("is reached from the frame and from the settings, and is what the window is called", async () => {
    const { person, router } = open(new TestNode(), "/settings");
    expect(await screen.findByTestId("settings-guide")).toHaveAttribute("href", "/guide");
    await person.click(screen.getByTestId("nav-guide"));
    await waitFor(() => expect(router.state.location.href).toBe("/guide"));
    await waitFor(() => expect(document.title).toContain("The operator's guide"));
  });
});
