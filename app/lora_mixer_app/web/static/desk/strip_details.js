/** What a strip has to say beyond its strength: words, text encoder, blocks, course over the steps, mask. */

import { fill, h, keep, write } from "./dom.js";
import { readNumber, show, tidy } from "./numbers.js";
import { called, say } from "./words.js";

/**
 * @typedef {import("./types.js").Strip} Strip
 * @typedef {import("./store.js").Desk} Desk
 * @typedef {(values: Partial<Strip>) => void} Set
 */

const SIDES = ["left", "top", "right", "bottom"];
/** @type {[number, number, number, number]} */
const EVERYWHERE = [0, 0, 1, 1];
const MOST = 100;

/**
 * Return the details of a strip, folded, and what brings them up to date.
 * @param {Desk} desk @param {() => Strip} strip Returns the strip as it is now.
 * @returns {{ element: HTMLElement, update: () => void }}
 */
export function makeDetails(desk, strip) {
  /** @type {Set} */
  const set = (values) => desk.dispatch({ type: "strip.set", number: strip().number, values });
  const rows = [
    words(desk, strip),
    textStrength(desk, strip, set),
    blocks(desk, strip, set),
    curve(desk, strip, set),
    mask(strip, set),
  ];
  const element = h(
    "div",
    { class: "strip-details", hidden: true },
    ...rows.map((row) => row.element),
    moveButtons(desk, strip),
  );
  return { element, update: () => element.hidden || rows.forEach((row) => void row.update()) };
}

/** @param {Desk} desk @param {() => Strip} strip */
function words(desk, strip) {
  const chips = h("div", { class: "chips" });
  const element = h("div", { class: "detail" }, h("span", { class: "small" }, say("words")), chips);
  const make = (/** @type {string} */ text) =>
    h("button", { type: "button", class: "chip", onclick: () => desk.insertWords(text) }, text);
  const update = () => {
    const found = desk.facts.loras[strip().name]?.words ?? [];
    element.hidden = found.length === 0;
    keep(chips, found, (text) => text, make);
  };
  return { element, update };
}

/** @param {Desk} desk @param {() => Strip} strip @param {Set} set */
function textStrength(desk, strip, set) {
  const split = h("input", { type: "checkbox" });
  const {
    box,
    wrong,
    update: draw,
  } = numberBox(
    say("te"),
    () => strip().text ?? strip().strength,
    (text) => set({ text }),
    MOST,
  );
  split.addEventListener("change", () => set({ text: split.checked ? strip().strength : null }));
  const hint = h("span", { class: "small" });
  const element = h(
    "div",
    { class: "detail" },
    h("label", { class: "check" }, split, h("span", {}, say("split"))),
    box,
    wrong,
    hint,
  );
  const update = () => {
    split.checked = strip().text !== null;
    box.disabled = strip().text === null;
    write(hint, desk.facts.loras[strip().name]?.texts === false ? say("no_texts") : "");
    draw();
  };
  return { element, update };
}

/** @param {Desk} desk @param {() => Strip} strip @param {Set} set */
function blocks(desk, strip, set) {
  return texts(
    "blocks",
    desk.first.blocks.map((name) => [name, name]),
    () => strip().blocks ?? "ALL",
    (text) => set({ blocks: text === "ALL" || !text ? null : text }),
  );
}

/** @param {Desk} desk @param {() => Strip} strip @param {Set} set */
function curve(desk, strip, set) {
  return texts(
    "curve",
    Object.entries(desk.first.curves).map(([name, chinese]) => [name, called({ [name]: chinese }, name)]),
    () => strip().curve,
    (text) => set({ curve: text || "always" }),
  );
}

let lists = 0;

/**
 * A box for a text that may be made of names, with ; between them, each called as the reader calls it.
 * @param {string} key @param {[string, string][]} names What may be chosen, and what it is called.
 * @param {() => string} value @param {(text: string) => void} set
 */
function texts(key, names, value, set) {
  const id = `choices-${++lists}`;
  const box = h("input", { type: "text", list: id, "aria-label": say(key), autocomplete: "off" });
  const list = h("datalist", { id }, ...names.map(([, shown]) => h("option", { value: shown })));
  const read = (/** @type {string} */ part) => names.find(([, shown]) => shown === part.trim())?.[0] ?? part.trim();
  const nameOf = (/** @type {string} */ part) => names.find(([name]) => name === part.trim())?.[1] ?? part.trim();
  box.addEventListener("change", () => set(box.value.split(/[;；]/).map(read).join("; ")));
  const element = h("label", { class: "detail" }, h("span", { class: "small" }, say(key)), box, list);
  return { element, update: () => fill(box, value().split(";").map(nameOf).join("; ")) };
}

/** @param {() => Strip} strip @param {Set} set */
function mask(strip, set) {
  const on = h("input", { type: "checkbox" });
  on.addEventListener("change", () => set({ mask: on.checked ? EVERYWHERE : null }));
  const rectangle = () => {
    const { mask } = strip();
    return Array.isArray(mask) ? mask : EVERYWHERE;
  };
  const boxes = SIDES.map((side, place) => {
    const write = (/** @type {number} */ value) => {
      const edges = /** @type {[number, number, number, number]} */ ([...rectangle()]);
      edges[place] = value;
      set({ mask: edges });
    };
    return { side, ...numberBox(say(side), () => rectangle()[place] ?? 0, write, 1, 0) };
  });
  const edges = h(
    "div",
    { class: "edges" },
    ...boxes.map(({ side, box, wrong }) => h("label", { class: "small" }, say(side), box, wrong)),
  );
  const draw = h("button", { type: "button" }, say("draw_mask"));
  draw.addEventListener("click", () => {
    document.dispatchEvent(new CustomEvent("desk:mask", { detail: { number: strip().number } }));
  });
  const check = h("label", { class: "check" }, on, h("span", {}, say("mask")));
  const element = h("div", { class: "detail" }, check, draw, edges);
  const update = () => {
    on.checked = strip().mask !== null;
    edges.hidden = !Array.isArray(strip().mask);
    for (const box of boxes) box.update();
  };
  return { element, update };
}

/**
 * @param {string} name @param {() => number} value @param {(value: number) => void} set
 * @param {number} high @param {number} [low]
 */
function numberBox(name, value, set, high, low = -high) {
  const box = h("input", {
    type: "text",
    inputmode: "decimal",
    class: "number",
    "aria-label": name,
    autocomplete: "off",
  });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const update = () => {
    if (document.activeElement === box) return;
    fill(box, show(value()), true);
    write(wrong, "");
  };
  box.addEventListener("change", () => {
    const read = readNumber(box.value);
    const good = read !== null && read >= low && read <= high;
    write(wrong, good || !box.value.trim() ? "" : say("number_wrong", { low, high }));
    if (good) set(tidy(read));
    else if (!box.value.trim()) fill(box, show(value()), true);
  });
  return { box, wrong, update };
}

/** @param {Desk} desk @param {() => Strip} strip */
function moveButtons(desk, strip) {
  const place = () => desk.document.strips.findIndex((one) => one.number === strip().number);
  const move = (/** @type {number} */ by) =>
    desk.dispatch({ type: "strip.move", number: strip().number, to: place() + by });
  return h(
    "div",
    { class: "detail buttons" },
    h("button", { type: "button", onclick: () => move(-1) }, say("up")),
    h("button", { type: "button", onclick: () => move(1) }, say("down")),
    h(
      "button",
      { type: "button", onclick: () => desk.dispatch({ type: "strip.add", strip: { ...strip() } }) },
      say("duplicate"),
    ),
  );
}
