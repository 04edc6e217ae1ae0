import "./common/account.js";
import "./common/drop.js";
import "./common/fonts.js";
import { keepFocus } from "./common/focus.js";
import { hearKeys } from "./common/keys.js";
import { keepNames } from "./common/names.js";
import "./common/sliders.js";
import { language } from "./common/words.js";

document.documentElement.lang = language() === "zh" ? navigator.language : "en"; // Gradio says English to whoever reads aloud
keepFocus();
keepNames();

// A tab has one button that begins what it is for, named `...-go`, and one that stops it, `...-stop`; the desk hears keys by itself.
/** @param {string} ids */
const press = (ids) =>
  [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(ids))]
    .find((button) => button.offsetParent)
    ?.click();
hearKeys({ go: () => press("[id$=-go]"), stop: () => press("[id$=-stop]") });

// Sliders and boxes tell of every change.
/** @param {Event} event */
const input = (event) =>
  event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement ? event.target : null;
// Gradio's sliders tell that they were let go by the mouse only; keys and other tools end in a `change`.
let released = 0;
document.addEventListener(
  "pointerup",
  (event) => {
    if (event.isTrusted && input(event)?.type === "range") released = performance.now();
  },
  true,
);
document.addEventListener(
  "change",
  (event) => {
    if (input(event)?.type === "range" && performance.now() - released > 150)
      event.target?.dispatchEvent(new PointerEvent("pointerup", { bubbles: true }));
  },
  true,
);
// Gradio's boxes tell of letters typed, and not of what is pasted, cut, deleted or composed (Chinese).
document.addEventListener(
  "input",
  (event) => {
    if (input(event)?.matches("[data-testid=textbox]"))
      event.target?.dispatchEvent(new KeyboardEvent("keypress", { bubbles: true }));
  },
  true,
);
// Chromium does not draw anew all of what it drew before a font had come; with another inherited value it does.
const redraw = () => {
  const { style } = document.documentElement;
  style.fontKerning = style.fontKerning === "normal" ? "auto" : "normal";
};
document.fonts.addEventListener("loadingdone", redraw);
document.fonts.ready.then(redraw);
