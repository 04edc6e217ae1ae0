/**
 * Painting a mask: a picture of shares, 0 (nothing) to 1 (all), kept as the opacity of one colour.
 *
 * @typedef {"brush" | "erase" | "rectangle"} Tool
 * @typedef {{ x: number, y: number }} Point In pixels of the mask.
 * @typedef {{ tool: Tool, size: number, feather: number, points: Point[] }} Stroke
 */

import { say } from "../desk/words.js";

const COLOUR = "#ff2e74";

export class Mask {
  /** @param {number} width @param {number} height */
  constructor(width, height) {
    this.canvas = document.createElement("canvas");
    this.canvas.width = width;
    this.canvas.height = height;
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { willReadFrequently: true }));
  }

  /** Take over a mask that is a picture: white acts, black and transparent do not. @param {CanvasImageSource} picture */
  take(picture) {
    const { width, height } = this.canvas;
    this.clear();
    this.context.drawImage(picture, 0, 0, width, height);
    const pixels = this.context.getImageData(0, 0, width, height);
    const { data } = pixels;
    for (let at = 0; at < data.length; at += 4) {
      const light = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
      data[at + 3] = Math.round((light * data[at + 3]) / 255);
    }
    this.context.putImageData(pixels, 0, 0);
    this.#tint();
  }

  clear() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  invert() {
    const { width, height } = this.canvas;
    this.context.globalCompositeOperation = "xor";
    this.context.fillStyle = COLOUR;
    this.context.fillRect(0, 0, width, height);
    this.context.globalCompositeOperation = "source-over";
  }

  /** @param {Stroke} stroke */
  put(stroke) {
    draw(this.context, stroke);
  }

  /** @returns {boolean} Whether nothing is painted. */
  get empty() {
    const { data } = this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
    for (let at = 3; at < data.length; at += 4) if (data[at] > 7) return false;
    return true;
  }

  /** @returns {Promise<Blob>} A PNG: white on black. */
  png() {
    const { width, height } = this.canvas;
    const out = document.createElement("canvas");
    out.width = width;
    out.height = height;
    const context = /** @type {CanvasRenderingContext2D} */ (out.getContext("2d"));
    context.drawImage(this.canvas, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = "white";
    context.fillRect(0, 0, width, height);
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = "black";
    context.fillRect(0, 0, width, height);
    return new Promise((resolve, reject) =>
      out.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(say("mask_too_large")))), "image/png"),
    );
  }

  #tint() {
    this.context.globalCompositeOperation = "source-in";
    this.context.fillStyle = COLOUR;
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.context.globalCompositeOperation = "source-over";
  }
}

/**
 * Draw a stroke: a line of round dots, or a rectangle between its first and its last point.
 * @param {CanvasRenderingContext2D} context @param {Stroke} stroke
 */
export function draw(context, { tool, size, feather, points }) {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) return;
  context.save();
  context.globalCompositeOperation = tool === "erase" ? "destination-out" : "source-over";
  context.filter = feather > 0 ? `blur(${feather / 2}px)` : "none";
  context.fillStyle = context.strokeStyle = COLOUR;
  if (tool === "rectangle")
    context.fillRect(
      Math.min(first.x, last.x),
      Math.min(first.y, last.y),
      Math.abs(last.x - first.x),
      Math.abs(last.y - first.y),
    );
  else {
    context.lineWidth = size;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(first.x, first.y);
    for (const point of points) context.lineTo(point.x, point.y);
    if (points.length === 1) context.lineTo(first.x + 0.01, first.y);
    context.stroke();
  }
  context.restore();
}

/** The canvas that is painted on, by pointer or by keys. */
export class Easel {
  /** @type {Mask | null} */
  #mask = null;
  /** @type {Stroke | null} */
  #stroke = null;
  /** @type {Point} */
  #pen = { x: 0, y: 0 };

  /**
   * @param {{ tool: () => { tool: Tool, size: number, feather: number }, done: () => void, resize: (step: number) => void }} given
   *   The chosen tool; what is called when a stroke is finished; and for a larger or smaller brush.
   */
  constructor(given) {
    this.given = given;
    this.element = document.createElement("canvas");
    this.element.className = "easel";
    this.element.tabIndex = 0;
    this.element.addEventListener("pointerdown", (event) => this.#down(event));
    this.element.addEventListener("pointermove", (event) => this.#move(event));
    this.element.addEventListener("pointerup", () => this.#end());
    this.element.addEventListener("pointercancel", () => this.#forget());
    this.element.addEventListener("keydown", (event) => this.#key(event));
    this.element.addEventListener("blur", () => this.paint());
  }

  /** @param {Mask | null} mask */
  hold(mask) {
    this.#mask = mask;
    this.#stroke = null;
    if (mask) {
      this.element.width = mask.canvas.width;
      this.element.height = mask.canvas.height;
      this.#pen = { x: mask.canvas.width / 2, y: mask.canvas.height / 2 };
    }
    this.paint();
  }

  paint() {
    const context = /** @type {CanvasRenderingContext2D} */ (this.element.getContext("2d"));
    context.clearRect(0, 0, this.element.width, this.element.height);
    if (!this.#mask) return;
    context.drawImage(this.#mask.canvas, 0, 0);
    if (this.#stroke) draw(context, this.#stroke);
    if (this.element.matches(":focus-visible")) this.#cross(context);
  }

  /** @param {CanvasRenderingContext2D} context */
  #cross(context) {
    const { x, y } = this.#pen;
    const arm = Math.max(this.element.width / 40, 3);
    for (const [colour, width] of /** @type {[string, number][]} */ ([
      ["black", 3],
      ["white", 1],
    ])) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.beginPath();
      context.moveTo(x - arm, y);
      context.lineTo(x + arm, y);
      context.moveTo(x, y - arm);
      context.lineTo(x, y + arm);
      context.stroke();
    }
  }

  /** @param {PointerEvent} event @returns {Point} */
  #at(event) {
    const box = this.element.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.element.width,
      y: ((event.clientY - box.top) / box.height) * this.element.height,
    };
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (!this.#mask || event.button !== 0) return;
    event.preventDefault();
    this.element.setPointerCapture(event.pointerId);
    this.#begin(this.#at(event));
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.#stroke || !this.element.hasPointerCapture(event.pointerId)) return;
    this.#stroke.points.push(...event.getCoalescedEvents().map((one) => this.#at(one)), this.#at(event));
    this.paint();
  }

  /** @param {Point} point */
  #begin(point) {
    this.#stroke = { ...this.given.tool(), points: [point] };
    this.paint();
  }

  #end() {
    if (!this.#stroke || !this.#mask) return;
    this.#mask.put(this.#stroke);
    this.#forget();
    this.given.done();
  }

  #forget() {
    this.#stroke = null;
    this.paint();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.#mask || event.ctrlKey || event.metaKey) return;
    const steps = /** @type {Record<string, [number, number]>} */ ({
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    });
    if (event.key in steps) {
      const far = (event.shiftKey ? 0.1 : 0.02) * this.element.width;
      const [x, y] = steps[event.key];
      this.#pen = {
        x: within(this.#pen.x + x * far, this.element.width),
        y: within(this.#pen.y + y * far, this.element.height),
      };
      this.#stroke?.points.push(this.#pen);
      this.paint();
    } else if (event.key === " " || event.key === "Enter") {
      if (this.#stroke) this.#end();
      else this.#begin(this.#pen);
    } else if (event.key === "[" || event.key === "]") this.given.resize(event.key === "]" ? 1 : -1);
    else if (event.key === "Escape" && this.#stroke) this.#forget();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

/** @param {number} value @param {number} most */
function within(value, most) {
  return Math.max(0, Math.min(most, value));
}
