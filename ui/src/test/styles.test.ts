import { describe, expect, it } from "vitest";
import css from "@/styles.css?raw";

describe("the style of boxes to tick", () => {
  it("follows the theme, whatever the system draws", () => {
    expect(css).toContain("color-scheme: light dark");
    const [rule = ""] = /input:where\(\[type="checkbox"\], \[type="radio"\]\) \{[^}]*\}/.exec(css) ?? [];
    expect(rule).toContain("appearance: none");
    expect(rule).toContain("background-color: var(--surface)");
    expect(rule).toContain("border: 1px solid var(--control)");
  });
});
