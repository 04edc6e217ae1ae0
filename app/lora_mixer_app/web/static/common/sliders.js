/**
 * Sliders under a finger: whoever scrolls the page by a swipe that begins on a slider moves no slider. Browsers set it where it is
 * touched, before they know whether that becomes a scroll; what a slider says is held back until that is known.
 */

const MEANT = 8; // pixels to a side, after which a slider is dragged

/** @type {{ slider: HTMLInputElement, value: string, pointer: number, x: number } | null} */
let touched = null;

/** @param {Event} event */
const hold = (event) => touched?.slider === event.target && event.stopImmediatePropagation();

/** The slider is meant: it says what it shows. */
function mean() {
  const slider = touched?.slider;
  touched = null;
  slider?.dispatchEvent(new Event("input", { bubbles: true }));
}

window.addEventListener(
  "pointerdown",
  (event) => {
    const { target, pointerType, pointerId, clientX } = event;
    if (pointerType !== "touch" || !(target instanceof HTMLInputElement) || target.type !== "range") return;
    touched = { slider: target, value: target.value, pointer: pointerId, x: clientX };
  },
  true,
);
window.addEventListener(
  "pointermove",
  (event) => {
    if (touched?.pointer === event.pointerId && Math.abs(event.clientX - touched.x) > MEANT) mean();
  },
  true,
);
window.addEventListener("pointerup", (event) => touched?.pointer === event.pointerId && mean(), true);
window.addEventListener(
  "pointercancel",
  (event) => {
    if (touched?.pointer !== event.pointerId) return;
    const { slider, value } = touched;
    slider.value = value;
    setTimeout(() => {
      if (touched?.slider === slider) touched = null; // after the `change` that ends the touch
      slider.value = value;
    });
  },
  true,
);
for (const kind of ["input", "change"]) window.addEventListener(kind, hold, true);
