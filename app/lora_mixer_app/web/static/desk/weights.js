/**
 * Ctrl+Up and Ctrl+Down in a prompt, as A1111 has them: the weight of what is selected, of the parentheses or the tag
 * around the caret, or of the word at it. A pure function.
 *
 * @typedef {{ text: string, start: number, end: number }} Edit A text and what is selected of it.
 */

const STEP = 0.1;
const TAG_STEP = 0.05;
const EDGES = " \t\r\n,.()[]{}<>:|\\";

/**
 * Return a text with a weight moved one step.
 * @param {string} text @param {number} start @param {number} end @param {1 | -1} way @returns {Edit | null} Null: nothing there.
 */
export function weigh(text, start, end, way) {
  return inTag(text, start, end, way) ?? inParentheses(text, start, end, way) ?? onWords(text, start, end, way);
}

/** @param {string} text @param {number} start @param {number} end @param {number} way @returns {Edit | null} */
function inTag(text, start, end, way) {
  for (const tag of text.matchAll(/<(?:lora|lyco|hypernet):[^:<>]+:(-?\d*\.?\d+)/g)) {
    const close = text.indexOf(">", tag.index);
    if (tag.index > start || close + 1 < end || close < 0) continue;
    const from = tag.index + tag[0].length - (tag[1] ?? "").length;
    const weight = rounded(Number(tag[1]) + way * TAG_STEP);
    return put(text, from, from + (tag[1] ?? "").length, weight, start, end);
  }
  return null;
}

/** @param {string} text @param {number} start @param {number} end @param {number} way @returns {Edit | null} */
function inParentheses(text, start, end, way) {
  const open = enclosing(text, start);
  if (open === null) return null;
  const found = /^((?:\\.|[^()\\])*?):(-?\d*\.?\d+)\)/s.exec(text.slice(open + 1));
  if (!found || open + 1 + (found[1] ?? "").length < end) return null;
  const from = open + 1 + (found[1] ?? "").length + 1;
  const weight = rounded(Number(found[2]) + way * STEP);
  if (weight !== "1") return put(text, from, from + (found[2] ?? "").length, weight, start, end);
  const inner = found[1] ?? "";
  return { text: text.slice(0, open) + inner + text.slice(open + 1 + found[0].length), start: start - 1, end: end - 1 };
}

/** @param {string} text @param {number} start @param {number} end @param {number} way @returns {Edit | null} */
function onWords(text, start, end, way) {
  let [from, to] = [start, end];
  if (from === to) {
    while (from > 0 && !EDGES.includes(text[from - 1] ?? "")) from -= 1;
    while (to < text.length && !EDGES.includes(text[to] ?? "")) to += 1;
  } else {
    while (from < to && text[from] === " ") from += 1;
    while (to > from && text[to - 1] === " ") to -= 1;
  }
  if (from === to) return null;
  const weight = rounded(1 + way * STEP);
  return {
    text: `${text.slice(0, from)}(${text.slice(from, to)}:${weight})${text.slice(to)}`,
    start: from + 1,
    end: to + 1,
  };
}

/** Return where the parenthesis around a place opens. @param {string} text @param {number} place @returns {number | null} */
function enclosing(text, place) {
  let depth = 0;
  for (let at = place - 1; at >= 0; at -= 1) {
    if (text[at - 1] === "\\") continue;
    if (text[at] === ")") depth += 1;
    else if (text[at] === "(" && depth-- === 0) return at;
  }
  return null;
}

/**
 * @param {string} text @param {number} from @param {number} to @param {string} weight
 * @param {number} start @param {number} end @returns {Edit}
 */
function put(text, from, to, weight, start, end) {
  const shift = weight.length - (to - from);
  const moved = (/** @type {number} */ place) => (place >= to ? place + shift : Math.min(place, from + weight.length));
  return { text: text.slice(0, from) + weight + text.slice(to), start: moved(start), end: moved(end) };
}

/** @param {number} weight @returns {string} */
function rounded(weight) {
  return String(Math.round(weight * 100) / 100 + 0);
}
