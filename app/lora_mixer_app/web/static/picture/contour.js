/** A mask's contour: its edge in a colour, and a breath of the colour inside. */

const INSIDE = 40; // of 255
const HALF = 127;
const LEAST_SIDE = 384; // pixels: a mask of few cells is drawn larger, with its steps

/**
 * Draw the contour of a mask into a canvas.
 * @param {HTMLCanvasElement} canvas @param {CanvasImageSource & { width: number, height: number }} mask White is in it.
 * @param {string} colour As `#rrggbb`.
 */
export function contour(canvas, mask, colour) {
  const scale = Math.max(1, Math.ceil(LEAST_SIDE / Math.max(mask.width, mask.height)));
  const [width, height] = [mask.width * scale, mask.height * scale];
  canvas.width = width;
  canvas.height = height;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.imageSmoothingEnabled = false;
  context.drawImage(mask, 0, 0, width, height);
  const pixels = context.getImageData(0, 0, width, height);
  const { data } = pixels;
  const light = Uint8Array.from({ length: width * height }, (_, at) => (data[4 * at] * data[4 * at + 3]) / 255);
  const is = (/** @type {number} */ x, /** @type {number} */ y) =>
    x >= 0 && y >= 0 && x < width && y < height && light[y * width + x] > HALF;
  const reach = Math.max(1, Math.round(Math.max(width, height) / 200));
  const red = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) {
      const at = 4 * (y * width + x);
      const edge = is(x, y) && !(is(x - reach, y) && is(x + reach, y) && is(x, y - reach) && is(x, y + reach));
      data.set(red, at);
      data[at + 3] = edge ? 255 : is(x, y) ? INSIDE : 0;
    }
  context.putImageData(pixels, 0, 0);
}
