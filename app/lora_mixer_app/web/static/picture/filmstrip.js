/** The pictures that were made, newest first, walked through by arrow keys. */

import { h, keep } from "../desk/dom.js";
import { say } from "../desk/words.js";
import { neighbour } from "./screen.js";

/** @typedef {import("../desk/types.js").Picture} Picture */

/** @param {import("../desk/store.js").Desk} desk */
export function filmstrip(desk) {
  /** @type {Picture[]} */
  let found = [];
  /** @type {number | null} */
  let current = null;
  let asked = 0;
  const element = h("div", {
    id: "history",
    class: "filmstrip",
    role: "listbox",
    "aria-orientation": "horizontal",
    "aria-label": say("history"),
  });

  /** @param {Picture} picture */
  const made = (picture) => {
    const label = say("seed_of", { seed: picture.seed, prompt: picture.prompt });
    const button = h(
      "button",
      { type: "button", class: "thumbnail-item", role: "option", tabindex: -1, title: label, "aria-label": label },
      h("img", { src: picture.thumb, alt: "" }),
    );
    button.addEventListener("click", () =>
      desk.look({ picture: found.find((one) => one.id === picture.id) ?? picture }),
    );
    return button;
  };
  const draw = () => {
    keep(
      element,
      found,
      (picture) => String(picture.id),
      made,
      (item, picture) => item.classList.toggle("pinned", picture.pinned),
    );
    mark(current);
  };

  /** @param {number | null} id */
  function mark(id) {
    const changed = id !== current;
    current = id;
    const films = /** @type {HTMLElement[]} */ ([...element.children]);
    const at = films.find((film) => film.dataset.key === String(id));
    for (const film of films) {
      film.setAttribute("aria-selected", String(film === at));
      film.tabIndex = film === (at ?? films[0]) ? 0 : -1;
    }
    if (at && changed) at.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** @param {string} text */
  async function list(text) {
    const mine = ++asked;
    try {
      const told = /** @type {Picture[]} */ (await desk.ask("pictures.list", { text }));
      if (mine !== asked) return;
      found = told.sort((left, right) => right.id - left.id);
      draw();
    } catch (error) {
      desk.fail(error);
    }
  }

  /**
   * Let keys walk through the pictures, on the strip and on the stage.
   * @param {HTMLElement} stage @param {{ remove: () => void, open: () => void }} acts
   */
  function keys(stage, acts) {
    const walk = (/** @type {KeyboardEvent} */ event) => {
      const steps = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 });
      if (event.key in steps) {
        const next = neighbour(found, desk.view.picture?.id, steps[event.key]);
        if (next) desk.look({ picture: next });
        const film = element.querySelector('[aria-selected="true"]');
        if (element.contains(document.activeElement) && film instanceof HTMLElement) film.focus();
      } else if (event.key === "Delete") acts.remove();
      else if (event.key === "Enter" && event.target === stage) acts.open();
      else return;
      event.preventDefault();
    };
    stage.tabIndex = 0;
    stage.setAttribute("role", "group");
    stage.setAttribute("aria-label", say("picture"));
    stage.addEventListener("keydown", (event) => event.target === stage && walk(event));
    element.addEventListener("keydown", walk);
  }

  return { element, list, mark, keys, pictures: () => found };
}
