/** Where Gradio hands its components to us: `on_load.js` calls `start` once for each of them. */

import { boot } from "./desk/boot.js";

/** @typedef {import("./desk/types.js").Handle} Handle */

/** @type {Map<string, Handle>} */
const adopted = new Map();
const OURS = ["desk", "desk-answers", "desk-laid"];

/**
 * Take one of our components; when all are there, the desk begins.
 * @param {Handle} handle What Gradio gives a component's script.
 */
export function start(handle) {
  const name = OURS.find((id) => handle.element.closest(`#${id}`));
  if (!name) return;
  adopted.set(name, handle);
  const [page, answers, laid] = OURS.map((id) => adopted.get(id));
  if (page && answers && laid) boot(page, answers, laid);
}
