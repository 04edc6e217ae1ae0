/** Every control of Gradio's has a name, in the reader's language. */

import { language, say } from "./words.js";

/** Pictures are buttons without a name, and so are boxes with a copy button: they get that of their label. */
const UNNAMED = "button:has(> .image-frame):not([aria-label]), textarea:not([aria-label])";
/** Names that Gradio has in English only, and the keys of ours. @type {Record<string, string>} */
const ENGLISH = {
  "Remove this file": "remove_file",
  "Empty value": "empty_value",
  "Click to upload or drop files": "upload_file",
  Copy: "copy_text",
  Fullscreen: "fullscreen",
  "Exit fullscreen mode": "fullscreen_end",
  "Reset to default value": "reset_value",
};
/** How names of parts of a control begin that go on with the control's own. @type {[string, string][]} */
const ENGLISH_PARTS = [
  ["range slider for ", "slider_of"],
  ["number input for ", "number_of"],
];
const ENGLISH_ONES = [
  ...Object.keys(ENGLISH).map((name) => `[aria-label="${name}"]`),
  ...ENGLISH_PARTS.map(([begins]) => `[aria-label^="${begins}"]`),
].join();

/** @param {string} english @returns {string} */
function inChinese(english) {
  const part = ENGLISH_PARTS.find(([begins]) => english.startsWith(begins));
  return part ? say(part[1], { name: english.slice(part[0].length) }) : say(ENGLISH[english]);
}

function nameAll() {
  for (const control of document.querySelectorAll(UNNAMED)) {
    const label = control.closest(".block")?.querySelector("[data-testid=block-label], [data-testid=block-info]");
    const labels =
      control instanceof HTMLButtonElement || control instanceof HTMLTextAreaElement ? control.labels : null;
    if (label && !labels?.length) control.setAttribute("aria-label", label.textContent?.trim() ?? "");
  }
  for (const empty of document.querySelectorAll(".empty[aria-label]:not([role])")) empty.setAttribute("role", "img"); // or it may have no name
  if (language() === "en") return;
  for (const control of document.querySelectorAll(ENGLISH_ONES)) {
    const name = inChinese(control.getAttribute("aria-label") ?? "");
    control.setAttribute("aria-label", name);
    if (control.hasAttribute("title")) control.setAttribute("title", name);
  }
}

/** Name what has no name from now on. */
export function keepNames() {
  new MutationObserver(nameAll).observe(document, { childList: true, subtree: true });
}
