// What a person does again and again in the pages.

/** The screens, as their places in the navigation are called. */
export const SCREENS = ["overview", "approvals", "peers", "groups", "traffic", "doctor", "conversations", "accounts", "settings"];

export const notice = (page, text) => page.locator('[data-testid^="notice-"]').filter({ hasText: text });

/** The ways through the pages. */
export function tour(page) {
  const nav = (screen) => page.getByTestId(`nav-${screen}`).click();
  return {
    nav,
    /** Shows another provider. */
    async look(name) {
      await page.getByTestId(`demo-look-${name}`).click();
      await page.getByTestId("shown").getByText(name, { exact: true }).waitFor();
    },
    /** Opens a conversation of an account. */
    async talk(user, name) {
      await nav("conversations");
      const account = page.getByLabel("Account", { exact: true });
      await account.locator(`option[value="${user}"]`).waitFor({ state: "attached" });
      await account.selectOption(user);
      await page.locator('[data-testid^="conversation-"]').filter({ hasText: name }).click();
      await page.getByRole("heading", { level: 2, name }).waitFor();
    },
    /** Writes, and waits until it has its number in the group's log. */
    async say(text) {
      await page.getByTestId("composer").fill(text);
      await page.getByRole("button", { name: "Send" }).click();
      await page.locator('[data-state="accepted"]').filter({ hasText: text }).waitFor();
    },
    /** A step of the tour is ticked off. */
    step: (name) => page.locator(`[data-testid="step-${name}"][data-done="true"]`).waitFor(),
  };
}

/** alice makes a group and asks to add others to it. */
export async function makeGroup(page, name, whom) {
  await page.getByTestId("nav-conversations").click();
  await page.getByTestId("new-group").click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Make the group" }).click();
  await page.getByRole("heading", { level: 2, name }).waitFor();
  await page.getByTestId("add-somebody").click();
  for (const each of whom) await page.getByRole("dialog").getByRole("checkbox", { name: each }).check();
  await page.getByRole("button", { name: "Ask to add" }).click();
  await page.locator('[data-testid^="pending-"]').nth(whom.length - 1).waitFor();
}

export async function openGroup(page, name) {
  await page.getByTestId("nav-groups").click();
  await page.locator('[data-testid^="group-"]').filter({ hasText: name }).click();
  await page.getByRole("heading", { level: 2, name }).waitFor();
}
