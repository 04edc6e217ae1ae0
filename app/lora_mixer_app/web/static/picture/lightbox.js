/** The picture over the whole window: arrow keys leaf through the history, a click shows it pixel by pixel. */

import { h } from "../desk/dom.js";
import { say } from "../desk/words.js";
import { neighbour } from "./screen.js";

/** @typedef {import("./screen.js").Screen} Screen */

/** @param {import("../desk/store.js").Desk} desk @param {() => import("../desk/types.js").Picture[]} pictures */
export function lightbox(desk, pictures) {
  const image = h("img", { alt: say("picture") });
  const close = h("button", { type: "button", class: "tool", "aria-label": say("close"), title: say("close") }, "✕");
  const element = h("dialog", { id: "lightbox", class: "lightbox", "aria-label": say("enlarge") }, image, close);
  close.addEventListener("click", () => element.close());
  image.addEventListener("click", () => element.classList.toggle("real-size"));
  element.addEventListener("keydown", (event) => {
    const steps = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 });
    event.stopPropagation(); // Escape closes this, and cancels nothing
    if (!(event.key in steps)) return;
    const next = neighbour(pictures(), desk.view.picture?.id, steps[event.key]);
    if (!next) return;
    desk.look({ picture: next });
    image.src = next.url;
    event.preventDefault();
  });
  return {
    element,
    /** @param {Screen} on */
    open(on) {
      if (!on.source) return;
      image.src = on.source;
      element.classList.remove("real-size");
      element.showModal();
    },
  };
}
