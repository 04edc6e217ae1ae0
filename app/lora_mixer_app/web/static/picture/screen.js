/**
 * What is on the screen, as one value: buttons are given it, and so act on nothing else.
 *
 * @typedef {import("../desk/types.js").Picture} Picture
 * @typedef {import("../desk/types.js").Shown} Shown
 * @typedef {"nothing" | "preview" | "half" | "picture"} Kind
 *   `preview`: a picture on its way; `half`: one that was cancelled on its way, and is kept nowhere; `picture`: of the history.
 * @typedef {{ kind: Kind, source: string, picture: Picture | null, number: number | null }} Screen
 */

import { preview, underWay } from "../desk/answers.js";

/**
 * Return what is on the screen.
 * @param {Shown} shown What is known of renders.
 * @param {Picture | null} picture The picture of the history that was looked at last.
 * @param {number | null} dismissed The number of the render whose half-done picture was put away.
 * @returns {Screen}
 */
export function screen(shown, picture, dismissed) {
  const source = preview(shown);
  const number = shown.newest?.number ?? null;
  if (source !== null) return { kind: "preview", source, picture: null, number };
  const half = shown.preview?.preview;
  const stopped = !underWay(shown) && shown.newest?.kind === "cancelled" && shown.preview?.number === number;
  if (half && stopped && number !== dismissed) return { kind: "half", source: half, picture: null, number };
  if (picture) return { kind: "picture", source: picture.url, picture, number };
  return { kind: "nothing", source: "", picture: null, number };
}

/**
 * Return the place and size of a picture that is shown whole in a box.
 * @param {{ width: number, height: number }} box @param {{ width: number, height: number }} picture
 * @returns {{ left: number, top: number, width: number, height: number }}
 */
export function contained(box, picture) {
  const scale = Math.min(box.width / Math.max(picture.width, 1), box.height / Math.max(picture.height, 1));
  const width = picture.width * scale;
  const height = picture.height * scale;
  return { left: (box.width - width) / 2, top: (box.height - height) / 2, width, height };
}

/**
 * Return the neighbour of a picture in a list, or null at its end.
 * @param {Picture[]} pictures @param {number | undefined} id @param {number} step @returns {Picture | null}
 */
export function neighbour(pictures, id, step) {
  const place = pictures.findIndex((picture) => picture.id === id);
  return place < 0 ? (pictures[0] ?? null) : (pictures[place + step] ?? null);
}
