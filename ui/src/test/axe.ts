import axe from "axe-core";

/** What stands in the way of somebody in what is shown. */
export async function violations(of: Element = document.body): Promise<string[]> {
  // Colours are not laid out here; the contrast of both themes is checked in a real browser.
  const found = await axe.run(of, { rules: { "color-contrast": { enabled: false } } });
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" | ")}`);
}
