/** Numbers as people type them. */

/**
 * Return the number a text says, with a point or a comma; null if it says none.
 * @param {string} text @returns {number | null}
 */
export function readNumber(text) {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain)) return null;
  return Number(plain);
}

/**
 * Return a number as boxes show it: without the dust of binary fractions.
 * @param {number} value @returns {string}
 */
export function show(value) {
  return String(tidy(value));
}

/** @param {number} value @returns {number} */
export function tidy(value) {
  return Math.round(value * 10_000) / 10_000 + 0;
}
