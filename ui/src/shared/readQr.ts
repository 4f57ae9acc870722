/**
 * QR codes in pictures, read in this page: no picture leaves it. It is our own code for all browsers, since `BarcodeDetector` is in
 * few of them, and it is loaded only where somebody reads one.
 */

/** What is larger is made smaller first: a code that is to be scanned fills a good part of its picture. */
const LONGEST_SIDE = 1_600;
/** Left free around a picture, since one that was cut at the code's edge has none. */
const MARGIN = 16;

/** The text of the code in a picture; null where there is none to be read in `limitMs`. */
export async function readQr(
  picture: CanvasImageSource,
  width: number,
  height: number,
  limitMs: number,
): Promise<string | null> {
  const { decodeQR } = await import("qr/decode.js");
  const scale = Math.min(1, LONGEST_SIDE / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale) + 2 * MARGIN;
  canvas.height = Math.round(height * scale) + 2 * MARGIN;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return null;
  // Where a picture is transparent it is meant to be light.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, MARGIN, MARGIN, canvas.width - 2 * MARGIN, canvas.height - 2 * MARGIN);
  try {
    return decodeQR(context.getImageData(0, 0, canvas.width, canvas.height), { timeLimit: limitMs });
  } catch {
    return null;
  }
}

/** The text of the code in a file with a picture; null where there is none. Rejects where it is no picture. */
export async function readQrFile(file: Blob, limitMs: number): Promise<string | null> {
  const picture = await createImageBitmap(file);
  try {
    return await readQr(picture, picture.width, picture.height, limitMs);
  } finally {
    picture.close();
  }
}
