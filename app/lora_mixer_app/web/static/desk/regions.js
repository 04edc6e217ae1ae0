/** The list of regions: parts of the picture with texts of their own, and with LoRAs that are chosen among the strips. */

import { fill, h, keep, write } from "./dom.js";
import { icon } from "./icons.js";
import { withHelp } from "./prompt_help.js";
import { nextRegion } from "./region_changes.js";
import { colourOf, nameOf, placeOf } from "./region_names.js";
import { say } from "./words.js";

/**
 * @typedef {import("./store.js").Desk} Desk
 * @typedef {import("./types.js").Place} Place
 * @typedef {import("./types.js").Region} Region
 */

/** What a new region's place may be: those that are drawn are drawn on the picture. @type {[string, Place | null][]} */
const KINDS = [
  ["rectangle", null],
  ["brush", null],
  ["background", "background"],
  ["auto", "auto"],
];

/** Ask the picture to draw a region: one that is there, or the next one. @param {string} what @param {number} number */
function onPicture(what, number) {
  document.dispatchEvent(new CustomEvent(`desk:${what}`, { detail: { number } }));
}

/** @param {HTMLElement} root @param {Desk} desk */
export function mountRegions(root, desk) {
  /** @type {WeakMap<Element, (region: Region) => void>} */
  const updates = new WeakMap();
  const list = h("div", { class: "regions" });
  const shown = h("input", { type: "checkbox", id: "region-outlines" });
  shown.addEventListener("change", () => desk.look({ outlines: shown.checked }));
  const add = KINDS.map(([kind, mask]) =>
    h("button", { type: "button", id: `region-add-${kind}`, onclick: () => begin(kind, mask) }, say(`region_${kind}`)),
  );
  const count = h("span", { class: "count" });
  const folded = h(
    "details",
    { id: "regions" },
    h("summary", {}, say("regions"), " ", count),
    h("p", { class: "small" }, say("regions_hint")),
    h("div", { class: "buttons" }, ...add),
    list,
    h("label", { class: "check" }, shown, h("span", {}, say("region_outlines"))),
  );
  root.append(folded);

  /** @param {string} kind @param {Place | null} mask */
  function begin(kind, mask) {
    const number = nextRegion(desk.document);
    if (mask === null) return onPicture(kind === "brush" ? "mask-region" : "draw-region", number);
    desk.dispatch({ type: "region.add", region: { mask } }, { settled: false }); // it says nothing yet
    desk.look({ region: number });
    /** @type {HTMLElement | null} */ (list.lastElementChild?.querySelector("textarea, input"))?.focus();
  }

  const draw = () => {
    const regions = desk.document.regions ?? [];
    write(count, regions.length ? String(regions.length) : "");
    shown.checked = desk.view.outlines ?? true;
    /** @type {HTMLElement} */ (folded.lastElementChild).hidden = regions.length === 0;
    keep(
      list,
      regions,
      (region) => String(region.number),
      (region) => {
        const made = card(desk, region);
        updates.set(made.element, made.update);
        return made.element;
      },
      (element, region) => updates.get(element)?.(region),
    );
  };
  folded.open = (desk.document.regions ?? []).length > 0;
  document.addEventListener("desk:region-drawn", () => (folded.open = true));
  desk.subscribe(
    (topics) => ["document", "facts", "view"].some((one) => topics.has(/** @type {any} */ (one))) && draw(),
  );
  draw();
}

/** @param {Desk} desk @param {Region} first */
function card(desk, first) {
  let region = first;
  let grip = 0;
  const { number } = first;
  /** @param {Partial<Region>} values @param {{ settled?: boolean, typed?: boolean, gesture?: string }} [how] */
  const set = (values, { gesture, ...how } = {}) =>
    desk.dispatch({ type: "region.set", number, values, ...(gesture ? { gesture } : {}) }, how);
  /** @param {string} name @param {string} key @param {() => void} act */
  const sign = (name, key, act) => {
    const label = say("colon", { name: say(key), value: say("region_short", { number }) });
    return h(
      "button",
      { type: "button", class: "icon", title: say(key), "aria-label": label, onclick: act },
      icon(name),
    );
  };
  const choose = h("button", { type: "button", class: "region-number" }, String(number));
  choose.addEventListener("click", () => desk.look({ region: desk.view.region === number ? null : number }));
  const place = h("span", { class: "small region-place" });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const more = sign("more", "region_more", () => {
    details.hidden = !details.hidden;
    more.setAttribute("aria-expanded", String(!details.hidden));
  });
  more.setAttribute("aria-expanded", "false");
  const head = h(
    "div",
    { class: "region-head" },
    choose,
    place,
    sign("rectangle", "region_redraw", () => onPicture("draw-region", number)),
    sign("brush", "region_paint", () => onPicture("mask-region", number)),
    more,
    sign("close", "region_remove", () => desk.dispatch({ type: "region.remove", number })),
  );
  const prompt = helped(
    text(
      "region_prompt",
      () => region.prompt,
      (prompt) => ({ prompt }),
    ),
  );
  const words = text(
    "region_words",
    () => region.words,
    (words) => ({ words }),
  );
  const negative = helped(
    text(
      "region_negative",
      () => region.negative ?? "",
      (said) => ({ negative: said.trim() ? said : null }),
    ),
  );
  const chips = h("div", { class: "chips", role: "group", "aria-label": say("region_loras") });
  const sliders = [share("weight"), share("feather")];
  const details = h(
    "div",
    { class: "region-details", hidden: true },
    negative.element,
    ...sliders.map((one) => one.element),
  );
  const element = h(
    "div",
    { class: "region", role: "group", style: `--region: ${colourOf(first)}` },
    head,
    prompt.element,
    words.element,
    chips,
    wrong,
    details,
  );
  element.addEventListener("focusin", () => desk.look({ region: number }));

  /** A box whose letters are the document's at once. @param {string} key @param {() => string} said @param {(text: string) => Partial<Region>} values */
  function text(key, said, values) {
    const box = h("textarea", {
      rows: 1,
      placeholder: say(key),
      "aria-label": `${say(key)} (${say("region_short", { number })})`,
    });
    const changed = () => set(values(box.value), { typed: true, gesture: `${key} ${number} ${grip}` });
    box.addEventListener("input", changed);
    box.addEventListener("change", () => {
      grip += 1;
      desk.settle();
    });
    return { element: box, changed, draw: () => fill(box, said()) };
  }

  /** A box in which what the prompt language knows is completed. @param {ReturnType<typeof text>} one */
  function helped({ element, changed, draw }) {
    return { element: h("div", { class: "prompt" }, element, withHelp(desk, element, changed)), draw };
  }

  /** @param {"weight" | "feather"} name */
  function share(name) {
    const label = say(`region_${name}`);
    const slider = h("input", {
      type: "range",
      min: 0,
      max: name === "weight" ? 1 : 0.5,
      step: 0.01,
      "aria-label": `${label} (${say("region_short", { number })})`,
    });
    const value = h("output", {});
    const turn = (/** @type {boolean} */ settled) => {
      set({ [name]: Number(slider.value) }, { settled, gesture: `${name} ${number} ${grip}` });
      if (settled) grip += 1;
    };
    slider.addEventListener("input", () => turn(false));
    slider.addEventListener("change", () => turn(true));
    return {
      element: h("label", { class: "region-share" }, h("span", { class: "small" }, label), slider, value),
      draw: () => {
        fill(slider, String(region[name]), true);
        write(value, region[name].toFixed(2));
      },
    };
  }

  /** @param {import("./types.js").Strip} strip */
  const chip = (strip) => {
    const made = h("button", { type: "button", class: "chip" }, strip.name);
    made.addEventListener("click", () => {
      const inside = region.strips.includes(strip.number);
      set({ strips: inside ? region.strips.filter((one) => one !== strip.number) : [...region.strips, strip.number] });
    });
    return made;
  };

  return {
    element,
    /** @param {Region} now */
    update(now) {
      region = now;
      const chosen = desk.view.region === number;
      element.classList.toggle("chosen", chosen);
      element.setAttribute("aria-label", say("region_named", { number, name: nameOf(now) }));
      choose.setAttribute("aria-pressed", String(chosen));
      choose.setAttribute("aria-label", say("region_named", { number, name: nameOf(now) }));
      write(place, placeOf(now));
      for (const one of [prompt, words, negative, ...sliders]) one.draw();
      words.element.hidden = now.mask !== "auto" && !now.words;
      chips.hidden = desk.document.strips.length === 0;
      keep(
        chips,
        desk.document.strips,
        (strip) => String(strip.number),
        chip,
        (made, strip) => made.setAttribute("aria-pressed", String(now.strips.includes(strip.number))),
      );
      const problem = desk.facts.problems.find((one) => one.place === "region" && one.number === number);
      write(wrong, problem?.says ?? "");
    },
  };
}
