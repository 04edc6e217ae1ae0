/**
 * What is known of renders, from answers in whatever order they come: a pure join, so that an old answer never takes a
 * newer one's place.
 *
 * @typedef {import("./types.js").Answer} Answer
 * @typedef {import("./types.js").Shown} Shown
 */

const RANKS = { began: 0, step: 1, cancelled: 2, error: 3, done: 4 };

/** @type {Shown} */
export const NOTHING = { newest: null, preview: null, done: null };

/**
 * Return what is known after one more answer.
 * @param {Shown} shown @param {Answer} answer @returns {Shown}
 */
export function heard(shown, answer) {
  return {
    newest: later(shown.newest, answer),
    preview: answer.preview ? later(shown.preview, answer) : shown.preview,
    done: answer.kind === "done" ? later(shown.done, answer) : shown.done,
  };
}

/**
 * Return whether a render is under way, as far as is known.
 * @param {Shown} shown @returns {boolean}
 */
export function underWay(shown) {
  return shown.newest?.kind === "began" || shown.newest?.kind === "step";
}

/**
 * Return the preview of the render that is under way, if there is one.
 * @param {Shown} shown @returns {string | null}
 */
export function preview(shown) {
  if (!underWay(shown) || shown.preview?.number !== shown.newest?.number) return null;
  return shown.preview?.preview ?? null;
}

/** @param {Answer | null} left @param {Answer} right @returns {Answer} */
function later(left, right) {
  return left === null || order(left, right) < 0 ? right : left;
}

/** @param {Answer} left @param {Answer} right @returns {number} */
function order(left, right) {
  return left.number - right.number || RANKS[left.kind] - RANKS[right.kind] || (left.step ?? 0) - (right.step ?? 0);
}
