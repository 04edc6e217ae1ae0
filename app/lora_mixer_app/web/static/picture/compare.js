/** Comparing on the picture itself: a wipe with a handle, and a key that shows the other one while it is held. */

import { closedByEscape } from "../common/keys.js";
import { h } from "../desk/dom.js";
import { icon } from "../desk/icons.js";
import { say } from "../desk/words.js";
import { neighbour } from "./screen.js";

/** @typedef {import("./screen.js").Screen} Screen */

const HOLD = "\\";
const TEXTS = "textarea, input, select";

/**
 * @param {import("../desk/store.js").Desk} desk @param {HTMLElement} frame
 * @param {() => import("../desk/types.js").Picture[]} pictures
 */
export function comparison(desk, frame, pictures) {
  let share = 50; // per cent of the width that shows the kept picture
  let held = false;
  const other = h("img", { class: "compared", alt: say("compared") });
  const handle = h("div", {
    class: "wipe",
    role: "slider",
    tabindex: 0,
    "aria-label": say("wipe"),
    "aria-valuemin": 0,
    "aria-valuemax": 100,
  });
  const close = h(
    "button",
    {
      type: "button",
      id: "compare-close",
      class: "tool",
      title: say("compare_close"),
      "aria-label": say("compare_close"),
    },
    icon("close"),
  );
  const element = h("div", { id: "compare", class: "compare", hidden: true }, other, handle, close);
  frame.append(element);

  const wipe = (/** @type {number} */ value) => {
    share = Math.max(0, Math.min(100, value));
    other.style.clipPath = held ? "none" : `inset(0 ${100 - share}% 0 0)`;
    handle.style.left = `${share}%`;
    handle.setAttribute("aria-valuenow", String(Math.round(share)));
  };
  const at = (/** @type {PointerEvent} */ event) => {
    const box = frame.getBoundingClientRect();
    wipe(((event.clientX - box.left) / Math.max(box.width, 1)) * 100);
  };
  handle.addEventListener("pointerdown", (event) => {
    handle.setPointerCapture(event.pointerId);
    event.preventDefault();
    handle.focus();
  });
  handle.addEventListener("pointermove", (event) => handle.hasPointerCapture(event.pointerId) && at(event));
  handle.addEventListener("keydown", (event) => {
    const steps = /** @type {Record<string, number>} */ ({ ArrowLeft: -5, ArrowRight: 5, Home: -100, End: 100 });
    if (!(event.key in steps)) return;
    wipe(share + steps[event.key]);
    event.preventDefault();
    event.stopPropagation();
  });
  close.addEventListener("click", () => desk.look({ compared: null }));
  other.addEventListener("error", () => desk.look({ compared: null })); // its file is gone

  const hold = (/** @type {boolean} */ on) => {
    held = on;
    draw(on ? null : last);
  };
  /** @type {Screen | null} */
  let last = null;
  document.addEventListener("keydown", (event) => {
    if (event.key !== HOLD || event.repeat || !frame.offsetParent) return;
    if (event.target instanceof Element && event.target.matches(TEXTS)) return;
    hold(true);
  });
  closedByEscape(() => {
    if (element.hidden || held || !frame.offsetParent) return false;
    desk.look({ compared: null });
    return true;
  });
  document.addEventListener("keyup", (event) => event.key === HOLD && held && hold(false));
  window.addEventListener("blur", () => held && hold(false));

  /** @param {Screen | null} on What is on the screen; null while the key is held. */
  function draw(on) {
    if (on) last = on;
    const kept = desk.view.compared ?? (held ? neighbour(pictures(), last?.picture?.id, 1) : null);
    const shown = kept !== null && (held || kept.id !== last?.picture?.id) && last?.kind !== "nothing";
    element.hidden = !shown;
    element.classList.toggle("held", held);
    if (kept && other.getAttribute("src") !== kept.url) other.setAttribute("src", kept.url);
    wipe(share);
  }
  return { draw };
}
