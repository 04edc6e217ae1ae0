/**
 * A picture that is dropped anywhere on the page, and not where something else takes it, is opened in the tab "PNG info".
 * What takes files itself calls `preventDefault`, or is one of Gradio's own places for files.
 */

import { notice } from "./notice.js";
import { say } from "./words.js";

const TAKES = "[data-drop], input[type=file], #info-file, .upload-container, dialog[open]";
const PATIENCE = 5000; // milliseconds

const files = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
const taken = (/** @type {DragEvent} */ event) =>
  event.defaultPrevented || /** @type {Element} */ (event.target).closest?.(TAKES);

document.addEventListener("dragover", (event) => {
  if (files(event) && !taken(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  if (!files(event) || taken(event)) return;
  event.preventDefault();
  const picture = [...(event.dataTransfer?.files ?? [])].find(({ type }) => type.startsWith("image/"));
  if (picture) read(picture);
  else notice(say("drop_what"), { kind: "error" });
});

/** Open a picture in the tab that says how it was made. @param {File} picture */
export async function read(picture) {
  document.getElementById("tab-picture_info-button")?.click();
  const input = await found("#info-file input[type=file]");
  if (!input) return;
  const list = new DataTransfer();
  list.items.add(picture);
  input.files = list.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

/** @param {string} selector @returns {Promise<HTMLInputElement | null>} What is on the page by now, or soon. */
async function found(selector) {
  const until = performance.now() + PATIENCE;
  /** @type {HTMLElement | null} */ (
    document.querySelector('#info-file button[aria-label="Clear"], #info-file [aria-label="Remove"]')
  )?.click();
  while (performance.now() < until) {
    const input = /** @type {HTMLInputElement | null} */ (document.querySelector(selector));
    if (input) return input;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return null;
}
