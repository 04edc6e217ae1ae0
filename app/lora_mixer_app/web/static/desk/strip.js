/** One strip of the mix: 56 pixels, and what "more" unfolds. */

import { fill, h, write } from "./dom.js";
import { icon } from "./icons.js";
import { readNumber, show, tidy } from "./numbers.js";
import { makeDetails } from "./strip_details.js";
import { isPlain, tagText } from "./tags.js";
import { say } from "./words.js";

/**
 * @typedef {import("./types.js").Strip} Strip
 * @typedef {import("./types.js").Tag} Tag
 * @typedef {{ key: string, tag: Tag | null, strip: Partial<Strip> & { name: string, strength: number }, heard: boolean }} Row
 *   A strip as it is drawn: of the document, or of a tag in its prompt.
 */

/** @type {[number, number]} The range of a slider where the LoRA's owner says nothing. */
const RANGE = [-1, 2];
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
  const parts = lay(name);
  const { slider, number, wrong, thumb, solo, more, remove, convert, element } = parts;
  const details = row.tag ? null : makeDetails(desk, () => /** @type {Strip} */ (row.strip));
  if (details) element.append(details.element);

  /** @param {number} strength @param {boolean} settled */
  const turn = (strength, settled) => {
    write(wrong, "");
    const gesture = `strength ${row.key} ${grip}`;
    const { tag } = row;
    if (tag) {
      const text = tagText(name, strength);
      desk.dispatch({ type: "tag.set", at: tag.at, end: tag.end, text, gesture }, { settled });
    } else {
      desk.dispatch(
        { type: "strip.set", number: Number(row.strip.number), values: { strength }, gesture },
        { settled },
      );
    }
    if (settled) grip += 1;
  };
  /** @param {Partial<Strip>} values */
  const set = (values) => desk.dispatch({ type: "strip.set", number: Number(row.strip.number), values });
  const typed = () => {
    const value = readNumber(number.value);
    if (number.value.trim() === "") {
      fill(number, show(row.strip.strength), true);
      write(wrong, "");
    } else if (value === null || Math.abs(value) > MOST) write(wrong, say("number_wrong", { low: -MOST, high: MOST }));
    else {
      turn(tidy(value), true);
      fill(number, show(value), true);
    }
  };
  slider.addEventListener("input", () => turn(tidy(Number(slider.value)), false));
  slider.addEventListener("change", () => turn(tidy(Number(slider.value)), true));
  slider.addEventListener("dblclick", () => turn(desk.facts.loras[name]?.strength ?? 1, true));
  number.addEventListener("change", typed);
  number.addEventListener("input", () => {
    const value = readNumber(number.value);
    if (value !== null && Math.abs(value) <= MOST) turn(tidy(value), false);
  });
  thumb.addEventListener("click", () => !row.tag && set({ on: !row.strip.on }));
  solo.addEventListener("click", () => set({ solo: !row.strip.solo }));
  convert.addEventListener("click", () => row.tag && desk.dispatch({ type: "tag.convert", ...row.tag }));
  more.addEventListener("click", () => {
    if (!details) return;
    details.element.hidden = !details.element.hidden;
    more.setAttribute("aria-expanded", String(!details.element.hidden));
    details.update();
  });
  remove.addEventListener("click", () => {
    if (row.tag) desk.dispatch({ type: "tag.remove", at: row.tag.at, end: row.tag.end });
    else desk.dispatch({ type: "strip.remove", number: Number(row.strip.number) });
  });

  return {
    element,
    update(now) {
      row = now;
      draw(parts, row, desk);
      details?.update();
    },
  };
}

/** @param {string} name */
function lay(name) {
  /** @param {string} kind @param {string} key @param {string | Node} sign */
  const button = (kind, key, sign) => {
    const label = say("colon", { name: say(key), value: name });
    return h("button", { type: "button", class: `icon ${kind}`, title: say(key), "aria-label": label }, sign);
  };
  const slider = h("input", { type: "range", step: STEP, "aria-label": say("slider_of", { name }) });
  const number = h("input", {
    type: "text",
    inputmode: "decimal",
    class: "strength",
    "aria-label": `${name} =`,
    autocomplete: "off",
  });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const note = h("span", { class: "strip-note" });
  const image = h("img", { alt: "", draggable: false });
  const thumb = h("button", { type: "button", class: "strip-thumb", "aria-label": name }, image);
  const solo = button("solo", "solo", "S");
  const convert = button("convert", "convert", icon("convert"));
  const more = button("more", "more_of_strip", icon("more"));
  const remove = button("remove", "remove", icon("close"));
  more.setAttribute("aria-expanded", "false");
  const bar = h("span", { class: "moves-bar" });
  const moves = h("span", { class: "moves" });
  const head = h(
    "div",
    { class: "strip-head" },
    h("span", { class: "strip-name", title: name }, name),
    moves,
    note,
    wrong,
  );
  const knobs = h("div", { class: "strip-knobs" }, h("span", { class: "track" }, slider), number);
  const main = h(
    "div",
    { class: "strip-main" },
    thumb,
    h("div", { class: "strip-middle" }, head, knobs),
    solo,
    convert,
    more,
    remove,
    bar,
  );
  const element = h("div", { class: "strip", role: "group", "aria-label": name }, main);
  return { element, slider, number, wrong, note, image, thumb, solo, convert, more, remove, bar, moves };
}

/** @param {ReturnType<typeof lay>} parts @param {Row} row @param {import("./store.js").Desk} desk */
function draw(parts, row, desk) {
  const { slider, number, thumb } = parts;
  const { strip, tag } = row;
  const card = desk.facts.loras[strip.name];
  const [low, high] = card?.range ?? RANGE;
  parts.element.classList.toggle("off", !row.heard);
  parts.element.classList.toggle("of-prompt", tag !== null);
  slider.min = String(Math.min(low, 0, strip.strength));
  slider.max = String(Math.max(high, strip.strength));
  slider.disabled = tag !== null && !isPlain(desk.document.prompt, tag);
  number.disabled = slider.disabled;
  fill(slider, show(strip.strength), true);
  const typed = readNumber(number.value);
  const typing =
    document.activeElement === number && (typed === strip.strength || typed === null || Math.abs(typed) > MOST);
  if (!typing) {
    fill(number, show(strip.strength), true);
    write(parts.wrong, "");
  }
  fillFromZero(slider);
  thumb.setAttribute("aria-pressed", String(strip.on ?? true));
  thumb.disabled = tag !== null;
  thumb.title = tag ? say("tag_of_prompt") : say(strip.on ? "switch_off" : "switch_on");
  parts.solo.setAttribute("aria-pressed", String(Boolean(strip.solo)));
  for (const own of [parts.solo, parts.more]) own.hidden = tag !== null;
  parts.convert.hidden = tag === null;
  // what a tag says beyond its strength only the server reads: until it has, a strip of it would lack that
  parts.convert.disabled =
    tag !== null && desk.facts.prompt !== desk.document.prompt && !isPlain(desk.document.prompt, tag);
  if (card && parts.image.getAttribute("src") !== card.thumb) parts.image.setAttribute("src", card.thumb);
  drawNotes(parts, row, desk);
}

/** @param {ReturnType<typeof lay>} parts @param {Row} row @param {import("./store.js").Desk} desk */
function drawNotes({ moves, bar, note }, { strip }, desk) {
  const measured = desk.moves[strip.name];
  const part = measured ? Math.abs(strip.strength) * measured.size : null;
  write(moves, part === null ? "" : say("moves", { percent: percent(part) }));
  bar.style.setProperty("--part", String(Math.min(1, part ?? 0)));
  const problem = desk.facts.problems.find((one) => one.place === "strip" && one.number === strip.number);
  const told = problem?.says ?? desk.facts.loras[strip.name]?.problem ?? warning(strip, measured);
  write(note, told ? `⚠ ${told}` : "");
  note.title = told;
}

/** @param {Row["strip"]} strip @param {{size: number, burns: number} | null | undefined} measured @returns {string} */
function warning(strip, measured) {
  if ((strip.strength === 0 && !strip.text) || measured?.size === 0) return say("does_nothing");
  return measured && Math.abs(strip.strength) > measured.burns ? say("burns") : "";
}

/** @param {number} part @returns {string} */
function percent(part) {
  return String(Number((100 * part).toPrecision(part < 0.1 ? 1 : 2)));
}

/** Fill a slider's track from zero to its value, and mark zero. @param {HTMLInputElement} slider */
function fillFromZero(slider) {
  const [low, high] = [Number(slider.min), Number(slider.max)];
  const place = (/** @type {number} */ value) => (value - low) / (high - low || 1);
  slider.style.setProperty("--zero", String(place(0)));
  slider.style.setProperty("--from", String(Math.min(place(0), place(Number(slider.value)))));
  slider.style.setProperty("--to", String(Math.max(place(0), place(Number(slider.value)))));
}
