/**
 * The desk begins: state, then panes. A pane is a module with `mount(root, desk)` and a row here.
 *
 * @typedef {import("./types.js").Handle} Handle
 */

import { mount as mountBar } from "./bar.js";
import { mount as mountKeys } from "./keys.js";
import { mount as mountLibrary } from "../library/pane.js";
import { Memory } from "./memory.js";
import { mount as mountMix } from "./mix.js";
import { mount as mountPaste } from "./paste.js";
import { mount as mountPicture } from "../picture/pane.js";
import { Desk } from "./store.js";
import { useWords } from "./words.js";

/** @type {[string, (root: HTMLElement, desk: Desk) => void][]} */
const PANES = [
  ["library-pane", mountLibrary],
  ["picture-pane", mountPicture],
  ["mix-pane", mountMix],
  ["bar", mountBar],
  ["desk", mountKeys],
  ["desk", mountPaste],
];

/**
 * @param {Handle} page Whose value is the document.
 * @param {Handle} answers Whose value is what the server says of renders.
 * @param {Handle} laid Whose value is what a tab lays on the desk.
 */
export function boot(page, answers, laid) {
  const { facts } = page.props;
  useWords(facts.words);
  const desk = new Desk(facts, page, answers, new Memory());
  document.addEventListener("desk:add-strip", (event) => {
    desk.dispatch({ type: "strip.add", strip: /** @type {CustomEvent} */ (event).detail });
  });
  hearOf(laid, desk);
  for (const [id, mount] of PANES) {
    const root = document.getElementById(id);
    if (root) mount(root, desk);
  }
}

/** Lay on the desk what tabs send there, each once. @param {Handle} laid @param {Desk} desk */
function hearOf(laid, desk) {
  let last = -1;
  const hear = () => {
    const { number = last, document } = laid.props.value ?? {};
    if (number !== last) desk.dispatch({ type: "lay", document });
    last = number;
  };
  laid.watch("value", hear);
  hear();
}
