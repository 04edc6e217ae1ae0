/** What regions are called and what colour they have, in the list and on the picture alike. */

import { say } from "./words.js";

/** @typedef {import("./types.js").Region} Region */

/** Told from each other by everybody, on light and on dark pictures. */
const COLOURS = ["#e8590c", "#1c7ed6", "#2f9e44", "#9c36b5", "#c2255c", "#0b8a8a", "#b08900", "#5f3dc4"];

/** @param {{ number: number }} region @returns {string} */
export function colourOf({ number }) {
  return COLOURS[(number - 1) % COLOURS.length] ?? "#e8590c";
}

/** @param {Region} region @returns {string} */
export function nameOf(region) {
  return region.prompt.replace(/<[^<>]*>/g, "").trim() || region.words.trim() || placeOf(region);
}

/** Where it lies, in few words. @param {Region} region @returns {string} */
export function placeOf({ mask }) {
  if (mask === "background") return say("region_background");
  if (mask === "auto") return say("region_auto");
  if (!Array.isArray(mask)) return say("region_painted");
  const [left, top, right, bottom] = mask.map((edge) => Math.round(100 * edge));
  return `${left}–${right} % × ${top}–${bottom} %`;
}
