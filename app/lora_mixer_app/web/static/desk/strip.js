/** One strip of the mix. */

import { fill, h, write } from "./dom.js";
import { readNumber, show, tidy } from "./numbers.js";
import { isPlain, tagText } from "./tags.js";
import { say } from "./words.js";

/**
 * @typedef {import("./types.js").Strip} Strip
 * @typedef {import("./types.js").Tag} Tag
 * @typedef {{ key: string, tag: Tag | null, strip: Partial<Strip> & { name: string, strength: number }, heard: boolean }} Row
 *   A strip as it is drawn: of the document, or of a tag in its prompt.
 */

const LOW = -1;
const HIGH = 2;
const STEP = 0.05;
const MOST = 100;

/**
 * Return a strip's element, and what brings it up to date.
 * @param {import("./store.js").Desk} desk @param {Row} first
 * @returns {{ element: HTMLElement, update: (row: Row) => void }}
 */
export function makeStrip(desk, first) {
  let row = first;
  let grip = 0;
  const name = row.strip.name;
  const slider = h("input", {
    type: "range",
    min: LOW,
    max: HIGH,
    step: STEP,
    "aria-label": `range slider for ${name}`,
  });
  const number = h("input", {
    type: "text",
    inputmode: "decimal",
    class: "strength",
    "aria-label": `${name} =`,
    autocomplete: "off",
  });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const thumb = h("button", { type: "button", class: "strip-thumb" }, h("img", { alt: "" }));
  const solo = h(
    "button",
    { type: "button", class: "icon solo", title: say("solo"), "aria-label": `${say("solo")} ${name}` },
    "S",
  );
  const remove = h(
    "button",
    { type: "button", class: "icon", title: say("remove"), "aria-label": `${say("remove")} ${name}` },
    "✕",
  );
  const label = h("span", { class: "strip-name", title: name }, name);
  const element = h("div", { class: "strip" }, thumb, label, slider, number, solo, remove, wrong);

  /** @param {number} strength @param {boolean} settled */
  const turn = (strength, settled) => {
    write(wrong, "");
    const gesture = `strength ${row.key} ${grip}`;
    if (row.tag) {
      desk.dispatch(
        { type: "tag.set", at: row.tag.at, end: row.tag.end, text: tagText(name, strength), gesture },
        { settled },
      );
    } else
      desk.dispatch(
        { type: "strip.set", number: Number(row.strip.number), values: { strength }, gesture },
        { settled },
      );
  };
  slider.addEventListener("input", () => turn(tidy(Number(slider.value)), false));
  slider.addEventListener("change", () => {
    turn(tidy(Number(slider.value)), true);
    grip += 1;
  });
  number.addEventListener("change", () => {
    const value = readNumber(number.value);
    if (value === null || Math.abs(value) > MOST) return write(wrong, say("number_wrong", { low: -MOST, high: MOST }));
    grip += 1;
    turn(tidy(value), true);
  });
  const set = (/** @type {Partial<Strip>} */ values) =>
    desk.dispatch({ type: "strip.set", number: Number(row.strip.number), values });
  thumb.addEventListener("click", () => !row.tag && set({ on: !row.strip.on }));
  solo.addEventListener("click", () => set({ solo: !row.strip.solo }));
  remove.addEventListener("click", () => desk.dispatch({ type: "strip.remove", number: Number(row.strip.number) }));

  /** @param {Row} now */
  const update = (now) => {
    row = now;
    const { strip } = row;
    element.classList.toggle("off", !row.heard);
    element.classList.toggle("of-prompt", row.tag !== null);
    slider.min = String(Math.min(LOW, strip.strength));
    slider.max = String(Math.max(HIGH, strip.strength));
    slider.disabled = row.tag !== null && !isPlain(desk.document.prompt, row.tag);
    fill(slider, show(strip.strength), true);
    fill(number, show(strip.strength), true);
    thumb.setAttribute("aria-pressed", String(strip.on ?? true));
    thumb.setAttribute("aria-label", name);
    solo.setAttribute("aria-pressed", String(Boolean(strip.solo)));
    solo.hidden = row.tag !== null;
    remove.hidden = row.tag !== null;
    const source = desk.facts.loras[name]?.thumb;
    const image = /** @type {HTMLImageElement} */ (thumb.firstElementChild);
    if (source && image.getAttribute("src") !== source) image.setAttribute("src", source);
  };
  return { element, update };
}
