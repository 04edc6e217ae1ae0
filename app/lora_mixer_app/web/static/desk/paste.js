/** Generation data that A1111, Forge, Civitai or this page copied as text: pasted into the prompt, or outside of boxes, it is laid on the desk. */

import { say } from "./words.js";

const SETTINGS = /(?:^|[\n .,\t])Steps: \d+,.*\b(?:Sampler|Seed|CFG scale): /;
const PROMPT = "#prompt textarea";
const TEXTS = "textarea, input, [contenteditable]";

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mount(root, desk) {
  document.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    const box = event.target instanceof Element ? event.target.closest(TEXTS) : null;
    const isOurs = box === null || box.matches(PROMPT);
    if (!isOurs || !root.offsetParent || event.defaultPrevented || !SETTINGS.test(text)) return;
    event.preventDefault();
    lay(desk, text).catch((error) => {
      if (box instanceof HTMLElement) insert(box, text);
      desk.fail(error);
    });
  });

  /** @param {import("./store.js").Desk} desk @param {string} text */
  function lay(desk, text) {
    return desk.after(desk.ask("pasted.document", { text }), (told) => {
      if (!told) throw new Error(say("no_settings_pasted"));
      const note = [say("settings_pasted"), ...told.notes].join(" · ");
      desk.dispatch({ type: "lay", document: told.document }, { note });
    });
  }
}

/** @param {HTMLElement} box @param {string} text */
function insert(box, text) {
  box.focus();
  document.execCommand("insertText", false, text);
}
