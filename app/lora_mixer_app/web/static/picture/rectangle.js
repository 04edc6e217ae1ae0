/**
 * Rectangles on the picture, in fractions of its sides: how a drag or a key moves and stretches them.
 *
 * @typedef {[number, number, number, number]} Edges Left, top, right, bottom.
 * @typedef {[number, number]} Point
 * @typedef {import("../desk/types.js").Region} Region
 */

const LEAST = 0.02;
const HALVES = /** @type {Edges[]} */ ([
  [0, 0, 0.5, 1],
  [0.5, 0, 1, 1],
]);

/** @param {number} value @param {number} low @param {number} high */
function within(value, low, high) {
  return Math.round(Math.max(low, Math.min(high, value)) * 1000) / 1000;
}

/** Return a rectangle moved by so much; it stays in the picture. @param {Point} by @param {Edges} from @returns {Edges} */
export function moved([x, y], [left, top, right, bottom]) {
  const across = within(x, -left, 1 - right);
  const down = within(y, -top, 1 - bottom);
  return /** @type {Edges} */ ([left + across, top + down, right + across, bottom + down].map((v) => within(v, 0, 1)));
}

/**
 * Return a rectangle one of whose corners went so far; it never turns over.
 * @param {Point} by @param {Edges} from @param {string} corner Such as `right bottom`. @returns {Edges}
 */
export function stretched([x, y], [left, top, right, bottom], corner) {
  return [
    corner.includes("left") ? within(left + x, 0, right - LEAST) : left,
    corner.includes("top") ? within(top + y, 0, bottom - LEAST) : top,
    corner.includes("right") ? within(right + x, left + LEAST, 1) : right,
    corner.includes("bottom") ? within(bottom + y, top + LEAST, 1) : bottom,
  ];
}

/** Return a half of the picture that no rectangle has yet; the middle where both are taken. @param {Region[]} regions @returns {Edges} */
export function free(regions) {
  const taken = regions.map(({ mask }) => JSON.stringify(mask));
  return HALVES.find((half) => !taken.includes(JSON.stringify(half))) ?? [0.25, 0.25, 0.75, 0.75];
}

/**
 * Let an element be dragged over a frame.
 * @template T
 * @param {HTMLElement} element @param {HTMLElement} frame
 * @param {{ begin: (at: Point) => (to: Point) => T, end: (last: T) => void }} given `begin` returns what is done at each move.
 */
export function dragged(element, frame, { begin, end }) {
  /** @type {((to: Point) => T) | null} */
  let follow = null;
  /** @param {PointerEvent} event @returns {Point} */
  const at = (event) => {
    const box = frame.getBoundingClientRect();
    return [within((event.clientX - box.left) / box.width, 0, 1), within((event.clientY - box.top) / box.height, 0, 1)];
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    element.setPointerCapture(event.pointerId);
    follow = begin(at(event));
    /** @type {HTMLElement | null} */ (element.closest("[tabindex]"))?.focus();
  });
  element.addEventListener("pointermove", (event) => follow?.(at(event)));
  element.addEventListener("pointerup", (event) => {
    if (!follow) return;
    const last = follow(at(event));
    follow = null;
    end(last);
  });
  element.addEventListener("pointercancel", () => (follow = null));
}
