/** Keys of the whole desk: undo and redo outside text fields. */

const TEXTS = "textarea, input:not([type=range], [type=checkbox])";

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mount(root, desk) {
  document.addEventListener("keydown", (event) => {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || (key !== "z" && key !== "y") || !root.offsetParent) return;
    if (event.target instanceof Element && event.target.matches(TEXTS)) return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) desk.redo();
    else desk.undo();
  });
}
