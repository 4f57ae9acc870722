// A card's QR code, read from a picture and by a camera; and a backup that a browser downloads.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { open } from "./lib/browser.mjs";
import { twoProviders } from "./lib/nodes.mjs";

/** The code of the card that `provider` shows, as a PNG, and the card's fingerprint of its key. */
async function cardOf(t, link) {
  const { page } = await open(t, link);
  await page.getByTestId("nav-peers").click();
  await page.getByTestId("own-card").click();
  const code = page.getByRole("img", { name: "The card as a QR code" });
  const key = /key=([\w-]+)/.exec(await page.getByTestId("card-link").textContent())[1];
  return { png: await code.screenshot(), key };
}

async function openAddDialog(page) {
  await page.getByTestId("nav-peers").click();
  await page.getByRole("button", { name: "Add a provider" }).first().click();
  return page.getByRole("dialog");
}

test("a card is read from a picture that is chosen, and from one that is pasted", async (t) => {
  const { home, other } = await twoProviders(t);
  const { link } = await home.start(t, null);
  const { png, key } = await cardOf(t, (await other.start(t, null)).link);
  const { page, faults } = await open(t, link);
  const dialog = await openAddDialog(page);
  await dialog.getByTestId("card-picture").setInputFiles({ name: "note.png", mimeType: "image/png", buffer: Buffer.from("no") });
  await dialog.getByText(/This file is no picture/).waitFor();

  await dialog.getByTestId("card-picture").setInputFiles({ name: "card.png", mimeType: "image/png", buffer: png });
  await dialog.getByTestId("card-read").filter({ hasText: key }).waitFor();
  assert.match(await dialog.getByRole("textbox").inputValue(), new RegExp(`^mimi://${other.authority}`));

  await dialog.getByRole("textbox").fill("");
  await dialog.getByTestId("card-read").waitFor({ state: "detached" });
  await page.evaluate((octets) => {
    const clipboardData = new DataTransfer();
    clipboardData.items.add(new File([new Uint8Array(octets)], "card.png", { type: "image/png" }));
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  }, [...png]);
  await dialog.getByTestId("card-read").filter({ hasText: key }).waitFor();
  await dialog.getByRole("button", { name: "Let in" }).click();
  await page.getByTestId(`peer-${other.authority}`).waitFor();
  assert.deepEqual(faults, []);
});

/** What a camera sees that looks at `png`: one picture, as a raw video (YUV4MPEG2). */
async function video(page, png, [width, height]) {
  const luma = await page.evaluate(
    async ([octets, width, height]) => {
      const picture = await createImageBitmap(new Blob([new Uint8Array(octets)]));
      const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
      context.fillStyle = "#999";
      context.fillRect(0, 0, width, height);
      const side = Math.min(width, height) * 0.9;
      context.drawImage(picture, (width - side) / 2, (height - side) / 2, side, side);
      return [...context.getImageData(0, 0, width, height).data].filter((_, index) => index % 4 === 1);
    },
    [[...png], width, height],
  );
  const colours = Buffer.alloc((width * height) / 2, 128);
  const header = Buffer.from(`YUV4MPEG2 W${width} H${height} F10:1 Ip A1:1 C420jpeg\n`);
  return Buffer.concat([header, Buffer.from("FRAME\n"), Buffer.from(luma), colours]);
}

test("a card is scanned by the camera, which is left alone before and after", async (t) => {
  const { dir, home, other } = await twoProviders(t);
  const { link } = await home.start(t, null);
  const { png, key } = await cardOf(t, (await other.start(t, null)).link);
  const file = join(dir, "camera.y4m");
  const { page: drawing } = await open(t, await other.link());
  writeFileSync(file, await video(drawing, png, [640, 480]));
  const { page, faults } = await open(t, link, {
    args: [
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
      `--use-file-for-fake-video-capture=${file}`,
    ],
  });
  const dialog = await openAddDialog(page);
  assert.equal(await dialog.locator("video").count(), 0);
  await dialog.getByTestId("scan-card").click();
  await dialog.getByTestId("card-read").filter({ hasText: key }).waitFor();
  await dialog.locator("video").waitFor({ state: "detached" });
  assert.deepEqual(faults, []);
});

test("a backup is downloaded by the browser, as a whole file under the name that the provider gives it", async (t) => {
  const { home } = await twoProviders(t);
  const { link } = await home.start(t, null);
  const { page, faults } = await open(t, link);
  await page.getByTestId("nav-settings").click();
  await page.getByTestId("download-backup").click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId("back-up-now").click()]);
  await page.getByTestId("download-begun").waitFor();
  assert.match(download.suggestedFilename(), /^127\.0\.0\.1-\d+_.*\.drawbridge$/);
  assert.equal(await download.failure(), null);
  const file = join(home.dir, "downloaded");
  await download.saveAs(file);
  assert.match(await home.check(file), /is whole/);
  assert.deepEqual(faults, []);
});
