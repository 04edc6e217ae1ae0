/**
 * A picture that is dropped anywhere on the page, and not where something else takes it, is opened in the tab "PNG info"; files
 * of another kind go to whoever has asked for their kind. What takes files itself calls `preventDefault`, or is one of Gradio's
 * own places for files.
 */

import { notice } from "./notice.js";
import { say } from "./words.js";

const PLACES = "[data-drop], input[type=file], #info-file, .upload-container";
const TAKES = `${PLACES}, dialog[open]`;
const PATIENCE = 60_000; // milliseconds
let opened = 0;
/** @type {{ ending: string, take: (files: File[]) => void }[]} */
const takers = [];

/** Have files of one kind wherever on the page they are dropped, over dialogs too. @param {string} ending @param {(files: File[]) => void} take */
export function takeDropped(ending, take) {
  takers.push({ ending, take });
}

const files = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
const taken = (/** @type {DragEvent} */ event) =>
  event.defaultPrevented || /** @type {Element} */ (event.target).closest?.(TAKES);

document.addEventListener("dragover", (event) => {
  if (files(event) && !taken(event)) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const dropped = [...(event.dataTransfer?.files ?? [])];
  for (const { ending, take } of takers) {
    const found = dropped.filter(({ name }) => name.toLowerCase().endsWith(ending));
    if (!found.length || event.defaultPrevented || /** @type {Element} */ (event.target).closest?.(PLACES)) continue;
    event.preventDefault();
    return take(found);
  }
  if (!files(event) || taken(event)) return;
  event.preventDefault();
  const picture = dropped.find(({ type }) => type.startsWith("image/"));
  if (picture) read(picture);
  else notice(say("drop_what"), { kind: "error" });
});

/** Open a picture in the tab that says how it was made. @param {File} picture */
export async function read(picture) {
  const mine = ++opened;
  document.getElementById("tab-picture_info-button")?.click();
  const input = await found("#info-file input[type=file]", () => mine === opened);
  if (mine !== opened) return; // another one was dropped meanwhile
  if (!input) return notice(say("no_answer"), { kind: "error" });
  const list = new DataTransfer();
  list.items.add(picture);
  input.files = list.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

/**
 * Return the box for a file, once the page has one: a file that is in it must have come before it can be taken out.
 * @param {string} selector @param {() => boolean} wanted @returns {Promise<HTMLInputElement | null>}
 */
async function found(selector, wanted) {
  const until = performance.now() + PATIENCE;
  while (wanted() && performance.now() < until) {
    /** @type {HTMLElement | null} */ (
      document.querySelector('#info-file button[aria-label="Clear"], #info-file [aria-label="Remove"]')
    )?.click();
    const input = /** @type {HTMLInputElement | null} */ (document.querySelector(selector));
    if (input) return input;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return null;
}
