/** The mix pad: strips or saved mixes at the corners of a square, and a dot between them. */

import { h, keep, write } from "./dom.js";
import { mountFilm } from "./film.js";
import { padGrid } from "./pad_grid.js";
import { say } from "./words.js";

/**
 * @typedef {import("./store.js").Desk} Desk
 * @typedef {import("./types.js").Corner} Corner
 */

const MOST = 4;
const KEY_STEP = 0.05;
const PAUSE = 150; // milliseconds between renders while the dot is dragged

/** @param {HTMLElement} root @param {Desk} desk */
export function mountPad(root, desk) {
  const dot = h("div", {
    class: "pad-dot",
    tabindex: 0,
    role: "slider",
    "aria-label": say("pad_dot"),
    "aria-valuemin": 0,
    "aria-valuemax": 1,
  });
  const corners = h("div", { class: "pad-corners" });
  const square = h("div", { id: "pad", class: "pad" }, corners, dot);
  const off = h("button", { type: "button", onclick: () => desk.dispatch({ type: "pad", pad: null }) }, say("pad_off"));
  const strips = h(
    "button",
    {
      id: "pad-strips",
      type: "button",
      onclick: () => desk.dispatch({ type: "pad", pad: { corners: ofStrips(desk), at: [0.5, 0.5] } }),
    },
    say("pad_strips"),
  );
  const saved = h("select", { id: "pad-saved", multiple: true, size: 3, "aria-label": say("saved") });
  const listed = async () => {
    const names = await desk.ask("mixes.list");
    saved.replaceChildren(...names.map((/** @type {string} */ name) => h("option", { value: name }, name)));
    saved.hidden = names.length < 2;
    mixes.hidden = names.length < 2;
  };
  const lay = async () => {
    const names = [...saved.selectedOptions].map((option) => option.value).slice(0, MOST);
    if (names.length < 2) return desk.fail(say("pad_choose"));
    await desk.after(Promise.all(names.map((name) => desk.ask("mixes.load", { name }))), (loaded) => {
      if (new Set(loaded.map(({ method }) => method)).size > 1) return desk.fail(say("pad_methods"));
      const placed = loaded.findIndex(({ regions }) => regions.length > 0);
      if (placed >= 0) return desk.fail(say("pad_regions", { name: names[placed] ?? "" }));
      desk.wentWell();
      desk.dispatch({
        type: "pad.mixes",
        method: loaded[0]?.method,
        mixes: loaded.map(({ strips: own }, place) => ({ name: names[place] ?? "", strips: own })),
      });
    });
  };
  const mixes = h(
    "button",
    { id: "pad-mixes", type: "button", onclick: () => lay().catch((error) => desk.fail(error)) },
    say("pad_mixes"),
  );
  const hint = h("p", { class: "small" }, say("pad_hint"));
  const ready = h("p", { class: "small", id: "pad-ready", role: "status" });
  const film = h("div", { class: "film" });
  const folded = h(
    "details",
    { id: "pad-part" },
    h("summary", {}, say("pad")),
    hint,
    h("div", { class: "buttons" }, strips, mixes, off),
    saved,
    square,
    ready,
    film,
  );
  folded.addEventListener("toggle", () => grid.go());
  folded.addEventListener("toggle", () => folded.open && listed().catch((error) => desk.fail(error)));
  root.append(folded);
  mountFilm(film, desk);
  const grid = padGrid(desk, {
    wanted: () => folded.open && square.offsetParent !== null,
    told: (done, of) => write(ready, of ? say("grid_hint", { done, of }) : ""),
  });
  let grip = 0;
  let due = 0;
  /** @param {[number, number]} at @param {boolean} settled */
  const move = (at, settled) => {
    const now = performance.now();
    const follows = settled || now >= due;
    if (follows) due = now + PAUSE;
    grid.glance(at, settled);
    desk.dispatch({ type: "pad.move", at, gesture: `pad ${grip}` }, { settled: follows });
    if (settled) grip += 1;
  };
  /** @param {PointerEvent} event @returns {[number, number]} */
  const place = (event) => {
    const box = square.getBoundingClientRect();
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  };
  square.addEventListener("pointerdown", (event) => {
    if (!desk.document.pad) return;
    square.setPointerCapture(event.pointerId);
    move(place(event), false);
  });
  square.addEventListener(
    "pointermove",
    (event) => square.hasPointerCapture(event.pointerId) && move(place(event), false),
  );
  square.addEventListener(
    "pointerup",
    (event) => square.hasPointerCapture(event.pointerId) && move(place(event), true),
  );
  dot.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const { pad } = desk.document;
    if (!by || !pad) return;
    event.preventDefault();
    move([within(pad.at[0] + KEY_STEP * (by[0] ?? 0)), within(pad.at[1] + KEY_STEP * (by[1] ?? 0))], true);
  });
  const draw = () => {
    const { pad, strips: own } = desk.document;
    square.hidden = off.hidden = film.hidden = ready.hidden = !pad;
    square.classList.toggle("crossfader", pad?.corners.length === 2);
    dot.setAttribute("aria-label", say(pad?.corners.length === 2 ? "crossfader" : "pad_dot"));
    strips.disabled = own.filter((strip) => strip.on).length < 2;
    if (!pad) return;
    dot.style.left = `${pad.at[0] * 100}%`;
    dot.style.top = `${pad.at[1] * 100}%`;
    dot.setAttribute("aria-valuenow", String(pad.at[0]));
    dot.setAttribute("aria-valuetext", pad.at.map((value) => value.toFixed(2)).join(", "));
    keep(
      corners,
      pad.corners.map((corner, index) => ({ corner, index })),
      ({ index }) => String(index),
      ({ index }) => h("span", { class: `pad-corner corner-${index}` }),
      (element, { corner }) => write(element, corner.name),
    );
  };
  desk.subscribe((topics) => topics.has("document") && draw());
  draw();
}

/** The first strips that are on, each alone at a corner. @param {Desk} desk @returns {Corner[]} */
function ofStrips(desk) {
  const on = desk.document.strips.filter((strip) => strip.on).slice(0, MOST);
  return on.map((strip) => ({ name: strip.name, strengths: { [strip.number]: strip.strength || 1 } }));
}

/** @param {number} value */
function within(value) {
  return Math.round(Math.max(0, Math.min(1, value)) * 1000) / 1000;
}
