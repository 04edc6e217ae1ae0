/** Regions on the picture: coloured outlines, moved and stretched where they are rectangles, and drawn by a drag. */

import { h, keep, write } from "../desk/dom.js";
import { colourOf, nameOf } from "../desk/region_names.js";
import { say } from "../desk/words.js";
import { contour } from "./contour.js";
import { dragged, free, moved, stretched } from "./rectangle.js";
import { addressOf } from "./send.js";

/**
 * @typedef {import("../desk/store.js").Desk} Desk
 * @typedef {import("../desk/types.js").Region} Region
 * @typedef {import("./rectangle.js").Edges} Edges
 */

const CORNERS = ["left top", "right top", "left bottom", "right bottom"];
const KEYS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
});
const KEY_STEP = 0.02;

/** @param {Desk} desk @param {{ frame: HTMLElement, stage: HTMLElement }} given */
export function regionOutlines(desk, { frame, stage }) {
  const list = h("div", { class: "region-outlines" });
  const sheet = h("div", { class: "region-sheet", tabindex: 0, role: "group", "aria-label": say("region_draw") });
  const hint = h("p", { class: "stage-badge region-hint" }, say("region_draw"));
  sheet.hidden = hint.hidden = true;
  frame.append(list, sheet);
  stage.append(hint);
  /** The number of the region that is drawn; null while none is. @type {number | null} */
  let drawing = null;
  let grip = 0;

  const named = (/** @type {number} */ number) => desk.document.regions?.find((one) => one.number === number);

  /** @param {number} number @param {Edges} mask @param {boolean} settled */
  const set = (number, mask, settled) => {
    const gesture = `region ${number} ${grip}`;
    desk.dispatch({ type: "region.set", number, values: { mask }, gesture }, { settled });
    if (settled) grip += 1;
  };

  /** @param {Edges} mask */
  function drawn(mask) {
    const number = /** @type {number} */ (drawing);
    end();
    if (named(number)) set(number, mask, true);
    else desk.dispatch({ type: "region.add", region: { mask } });
    desk.look({ region: number });
    document.dispatchEvent(new CustomEvent("desk:region-drawn"));
    /** @type {HTMLElement | null} */ (list.querySelector(`[data-key="${number}"] .region-grip`))?.focus();
  }

  function end() {
    drawing = null;
    sheet.hidden = hint.hidden = true;
    sheet.replaceChildren();
  }

  document.addEventListener("desk:draw-region", (event) => {
    drawing = /** @type {CustomEvent} */ (event).detail.number;
    sheet.hidden = hint.hidden = false;
    stage.scrollIntoView({ block: "nearest" });
    sheet.focus();
  });
  sheet.addEventListener("blur", (event) => event.relatedTarget && end());
  sheet.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
    else if (event.key === "Enter" || event.key === " ") drawn(free(desk.document.regions ?? []));
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  dragged(sheet, frame, {
    begin: (at) => {
      const band = h("div", { class: "region-band" });
      sheet.replaceChildren(band);
      return (to) => {
        const edges = /** @type {Edges} */ ([
          Math.min(at[0], to[0]),
          Math.min(at[1], to[1]),
          Math.max(at[0], to[0]),
          Math.max(at[1], to[1]),
        ]);
        lay(band, edges);
        return edges;
      };
    },
    end: (edges) => {
      if (edges[2] - edges[0] >= KEY_STEP && edges[3] - edges[1] >= KEY_STEP) drawn(edges);
      else sheet.replaceChildren();
    },
  });

  /** @param {Region} region */
  const make = ({ number }) => {
    const label = h("button", { type: "button", class: "region-label" }, String(number));
    label.addEventListener("click", () => desk.look({ region: desk.view.region === number ? null : number }));
    const grips = h("div", { class: "region-grip", tabindex: 0, role: "group" });
    const rectangle = () => /** @type {Edges} */ (named(number)?.mask);
    const follow = (/** @type {(by: [number, number], from: Edges) => Edges} */ how) => ({
      begin: (/** @type {[number, number]} */ at) => {
        const from = rectangle();
        return (/** @type {[number, number]} */ to) => {
          const now = how([to[0] - at[0], to[1] - at[1]], from);
          set(number, now, false);
          return now;
        };
      },
      end: (/** @type {Edges} */ edges) => set(number, edges, true),
    });
    dragged(grips, frame, follow(moved));
    for (const corner of CORNERS) {
      const knob = h("span", { class: `region-knob ${corner}` });
      dragged(
        knob,
        frame,
        follow((by, from) => stretched(by, from, corner)),
      );
      grips.append(knob);
    }
    grips.addEventListener("focus", () => desk.look({ region: number }));
    grips.addEventListener("keydown", (event) => {
      const by = KEYS[event.key];
      if (!by) return;
      event.preventDefault();
      event.stopPropagation();
      const far = /** @type {[number, number]} */ ([by[0] * KEY_STEP, by[1] * KEY_STEP]);
      set(number, event.shiftKey ? stretched(far, rectangle(), "right bottom") : moved(far, rectangle()), true);
    });
    return h("div", { class: "region-outline" }, h("canvas", { class: "region-contour" }), grips, label);
  };

  /** @param {Element} element @param {Region} region */
  const update = (element, region) => {
    const [canvas, grips, label] = /** @type {HTMLElement[]} */ ([...element.children]);
    const { mask, number } = region;
    const chosen = desk.view.region === number;
    const drawnMask = typeof mask === "object" && !Array.isArray(mask);
    /** @type {HTMLElement} */ (element).style.setProperty("--region", colourOf(region));
    element.classList.toggle("chosen", chosen);
    element.classList.toggle("everywhere", mask === "background");
    grips.hidden = !Array.isArray(mask);
    canvas.hidden = !drawnMask;
    /** @type {HTMLElement} */ (element).hidden = mask === "auto";
    if (Array.isArray(mask)) {
      lay(grips, mask);
      const corner = [Math.max(0, mask[0]), Math.max(0, mask[1])];
      label.style.left = `${100 * corner[0]}%`;
      label.style.top = `${100 * corner[1]}%`;
    } else label.style.left = label.style.top = drawnMask ? `${6 * (number - 1)}%` : "auto";
    grips.setAttribute("aria-label", say("region_move", { number, name: nameOf(region) }));
    label.setAttribute("aria-label", say("region_named", { number, name: nameOf(region) }));
    label.setAttribute("aria-pressed", String(chosen));
    write(label, String(number));
    if (drawnMask) paint(/** @type {HTMLCanvasElement} */ (canvas), mask.id, colourOf(region), label);
  };

  return {
    draw() {
      const regions = desk.document.regions ?? [];
      list.hidden = !(desk.view.outlines ?? true) || regions.length === 0;
      stage.classList.toggle("with-regions", !list.hidden);
      keep(list, regions, (region) => String(region.number), make, update);
    },
  };
}

/**
 * Draw a sent mask's contour, once for each mask, with a label where it begins.
 * @param {HTMLCanvasElement} canvas @param {string} id @param {string} colour @param {HTMLElement} [label]
 */
export async function paint(canvas, id, colour, label) {
  const wanted = `${id} ${colour}`;
  if (canvas.dataset.painted === wanted) {
    if (label) place(label, canvas);
    return;
  }
  canvas.dataset.painted = wanted;
  const picture = new Image();
  picture.src = addressOf(id);
  try {
    await picture.decode();
  } catch {
    return; // the render tells that it is gone
  }
  if (canvas.dataset.painted !== wanted) return;
  contour(canvas, picture, colour);
  if (label) place(label, canvas);
}

/** Put a label where a contour is highest. @param {HTMLElement} label @param {HTMLCanvasElement} canvas */
function place(label, canvas) {
  const { width, height } = canvas;
  if (!width || !height) return;
  const data = canvas.getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
  const first = Array.from({ length: width * height }, (_, at) => at).find((at) => data[4 * at + 3] > 0);
  if (first === undefined) return;
  label.style.left = `${(100 * (first % width)) / width}%`;
  label.style.top = `${(100 * Math.floor(first / width)) / height}%`;
}

/** @param {HTMLElement} element @param {Edges} edges */
function lay(element, [left, top, right, bottom]) {
  element.style.left = `${100 * left}%`;
  element.style.top = `${100 * top}%`;
  element.style.width = `${100 * (right - left)}%`;
  element.style.height = `${100 * (bottom - top)}%`;
}
