/** Places that were found by words in the picture on the screen: shown on it, and given to the desk to be edited. */

import { h, keep, write } from "../desk/dom.js";
import { colourOf } from "../desk/region_names.js";
import { say } from "../desk/words.js";
import { paint } from "./region_outlines.js";

/** @typedef {{ words: string, mask: { id: string } }} Found */

/** The region that was sought by some words. @param {import("../desk/types.js").Region[]} regions @param {string} words */
function sought(regions, words) {
  return regions.find((one) => (one.words.trim() || one.prompt.trim()) === words);
}

/** @param {import("../desk/store.js").Desk} desk @param {HTMLElement} frame */
export function foundPlaces(desk, frame) {
  /** @type {Found[]} */
  let found = [];
  /** @type {number | null} */
  let asked = null;
  const layer = h("div", { class: "region-outlines" });
  frame.append(layer);
  const told = h("span", { class: "small" });
  const shown = h("input", { type: "checkbox", id: "places-shown" });
  shown.checked = true;
  const edit = h("button", { type: "button", id: "places-edit" }, say("places_edit"));
  const names = h("span", { class: "chips" });
  const element = h(
    "div",
    { class: "found-places", hidden: true },
    told,
    names,
    h("label", { class: "check" }, shown, h("span", {}, say("region_outlines"))),
    edit,
  );
  shown.addEventListener("change", () => show());
  edit.addEventListener("click", async () => {
    try {
      desk.dispatch({ type: "lay", document: await desk.ask("places.document", { id: asked }) });
      document.dispatchEvent(new CustomEvent("desk:region-drawn"));
    } catch (error) {
      desk.fail(error);
    }
  });

  function show() {
    const regions = desk.document.regions ?? [];
    const taken = new Set(regions.map(({ mask }) => (typeof mask === "object" && "id" in mask ? mask.id : "")));
    element.hidden = found.every(({ mask }) => taken.has(mask.id)); // the desk has them
    layer.hidden = !shown.checked || element.hidden;
    write(told, say("places_found", { count: found.length }));
    const numbered = found.map((one, place) => ({ ...one, number: sought(regions, one.words)?.number ?? place + 1 }));
    const colour = (/** @type {Element} */ made, /** @type {{ number: number }} */ one) =>
      /** @type {HTMLElement} */ (made).style.setProperty("--region", colourOf(one));
    keep(
      names,
      numbered,
      (one) => one.words,
      (one) => h("span", { class: "region-name" }, one.words),
      colour,
    );
    keep(
      layer,
      numbered,
      (one) => one.mask.id,
      () => h("canvas", { class: "region-contour" }),
      (canvas, one) => void paint(/** @type {HTMLCanvasElement} */ (canvas), one.mask.id, colourOf(one)),
    );
  }

  return {
    element,
    /** @param {import("./screen.js").Screen} on */
    draw({ picture }) {
      const id = picture?.places ? picture.id : null;
      if (id === asked) return show();
      asked = id;
      found = [];
      show();
      if (id === null) return;
      desk.ask("places.list", { id }).then(
        (places) => {
          if (id !== asked) return;
          found = places;
          show();
        },
        (error) => desk.fail(error),
      );
    },
  };
}
