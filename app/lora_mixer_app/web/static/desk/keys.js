/** Keys of the whole desk: render it, stop that, undo and redo outside text fields. */

import { hearKeys } from "../common/keys.js";

const TEXTS = "textarea, input:not([type=range], [type=checkbox])";

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mount(root, desk) {
  hearKeys({
    go: () => root.offsetParent && desk.generate(),
    stop: () => root.offsetParent && desk.rendering && desk.cancel(),
  });
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y") || !root.offsetParent) return;
    if (event.target instanceof Element && event.target.matches(TEXTS)) return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) desk.redo();
    else desk.undo();
  });
}
