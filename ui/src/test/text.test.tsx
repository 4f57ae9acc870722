import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import { conversationTitle } from "@/domain/conversation/words";
import { groupTitle } from "@/domain/group/words";
import { LongText } from "@/shared/LongText";
import { firstOf, isBlank, lineText, nameText, visible } from "@/shared/text";

const MOST_ELEMENTS = 700;

describe("a name that others gave", () => {
  it("cannot turn what stands around it about", () => {
    expect(nameText("\u202Elive")).toBe("[U+202E]live");
    expect(nameText("a\u2066b\u2069")).toBe("a[U+2066]b[U+2069]");
    expect(nameText("שלום")).toBe("\u2068שלום\u2069");
  });

  it.each([" ", "\u00a0\u2003", "\u200b\u2060", "\u202e", "\u3164", "\u2800", "\u0301", ""])(
    "gives way to the address where nothing of it is seen: %j",
    (name) => {
      expect(isBlank(name)).toBe(true);
      const group = "mimi://alpha.example/g/club";
      expect(groupTitle({ group, name })).toBe("club");
      expect(
        conversationTitle({ name, others: ["mimi://beta.example/u/bob"], users: 2 } as Parameters<
          typeof conversationTitle
        >[0]),
      ).toBe("bob");
    },
  );

  it("keeps what scripts and signs need", () => {
    for (const name of ["Ελλάδα", "می‌خواهم", "👩‍👩‍👧", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "Việt Nam", "நிலா"]) {
      expect(nameText(name).replace(/[\u2068\u2069]/g, "")).toBe(name);
    }
  });

  it("is one line", () => {
    expect(nameText(" a\n\tb ")).toBe("a b");
    expect(lineText(`a\n${"b".repeat(500)}`, 10)).toBe("a bbbbbbbb…");
  });
});

describe("a text of any length", () => {
  it("loses marks that pile up, and no others", () => {
    expect(visible(`a${"\u0301".repeat(32_000)}b`)).toBe(`a${"\u0301".repeat(6)}b`);
    expect(visible("e\u0301o\u0308")).toBe("e\u0301o\u0308");
  });

  it("does not cut a character in two", () => {
    expect(firstOf("ab😀", 3)).toBe("ab…");
  });

  it.each([
    ["quotations in each other", "> ".repeat(32_768)],
    ["quotations without spaces", ">".repeat(65_536)],
    ["points", "- a\n".repeat(16_384)],
    ["points in each other", Array.from({ length: 300 }, (_, at) => `${"  ".repeat(at)}- a`).join("\n")],
    ["emphasis", "_a_ ".repeat(16_384)],
    ["paragraphs", "a\n\n".repeat(21_000)],
    ["a table", `|a|b|\n|-|-|\n${"|a|b|\n".repeat(10_000)}`],
    ["one word", "a".repeat(65_536)],
  ])("is a bounded number of elements, folded and unfolded: %s", async (_, text) => {
    const { container } = render(<LongText text={text} markdown />);
    const elements = () => container.querySelectorAll("*").length;
    expect(elements()).toBeLessThan(MOST_ELEMENTS);
    expect(container.textContent?.length).toBeLessThan(2_100);
    await userEvent.click(screen.getByRole("button", { name: /Show all of it/ }));
    expect(elements()).toBeLessThan(MOST_ELEMENTS);
    expect(screen.getByRole("region", { name: "The whole text" }).textContent?.length).toBeGreaterThan(2_000);
    await userEvent.click(screen.getByRole("button", { name: "Show less" }));
    expect(container.textContent?.length).toBeLessThan(2_100);
  });

  it("that is short is shown as it was meant", () => {
    render(<LongText text={"> said\n\n- one\n- two"} markdown />);
    expect(screen.getByRole("blockquote")).toHaveTextContent("said");
    expect(screen.getAllByRole("listitem")).toHaveLength(2);
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("does not nest deeper than a line is wide, however short", () => {
    const { container } = render(<LongText text={"> ".repeat(900)} markdown />);
    expect(container.querySelectorAll("blockquote")).toHaveLength(0);
  });
});
