/**
 * The document's reducer: a pure function of a history and an action. Nothing here knows the page, the clock or the server.
 *
 * @typedef {import("./types.js").Document} Document
 * @typedef {import("./types.js").History} History
 * @typedef {import("./types.js").Pad} Pad
 * @typedef {import("./types.js").Region} Region
 * @typedef {import("./types.js").Strip} Strip
 * @typedef {import("./types.js").Value} Value
 *
 * @typedef {{ type: "prompt" | "negative", text: string }
 *   | { type: "settings", values: Record<string, Value> }
 *   | { type: "preset", name: string, values: Record<string, Value> }
 *   | { type: "strip.add", strip: Partial<Strip> & { name: string } }
 *   | { type: "strip.set", number: number, values: Partial<Strip> }
 *   | { type: "strips.set", values: Record<number, Partial<Strip>>, prompt?: string }
 *   | { type: "strengths", names: string[], strengths: Record<string, number> }
 *   | { type: "strip.remove", number: number }
 *   | { type: "strip.move", number: number, to: number }
 *   | { type: "strips", strips: Strip[], method?: string, regions?: Region[] }
 *   | { type: "region.add", region: Partial<Region> }
 *   | { type: "region.set", number: number, values: Partial<Region> }
 *   | { type: "region.remove", number: number }
 *   | { type: "tag.set", at: number, end: number, text: string }
 *   | { type: "tag.convert", at: number, end: number, strip: Partial<Strip> & { name: string } }
 *   | { type: "tag.remove", at: number, end: number }
 *   | { type: "pad", pad: Pad | null }
 *   | { type: "pad.mixes", mixes: { name: string, strips: Strip[] }[], method?: string }
 *   | { type: "pad.move", at: [number, number] }
 *   | { type: "start", values: Partial<import("./types.js").Start>, settings?: Record<string, Value> }
 *   | { type: "lay", document: Partial<Document> }} Change
 * @typedef {(Change & { gesture?: string }) | { type: "undo" } | { type: "redo" }} Action
 */

import { renamed, sameNames, withRegion, without, withoutStrip } from "./region_changes.js";

export const MOST_STEPS = 200;

/** @type {Omit<Strip, "number" | "name">} */
const PLAIN = {
  strength: 1,
  text: null,
  on: true,
  solo: false,
  blocks: null,
  curve: "always",
  mask: null,
  rank: null,
  elements: null,
  hires: [null, null],
};

/**
 * Return the history of a document that nothing was done to.
 * @param {Document} document
 * @returns {History}
 */
export function begin(document) {
  return { past: [], present: document, future: [], gesture: null };
}

/**
 * Return a history after an action. Changes of one gesture are one step of undo; a change that changes nothing is none.
 * @param {History} history
 * @param {Action} action
 * @returns {History}
 */
export function reduce(history, action) {
  if (action.type === "undo") return undone(history);
  if (action.type === "redo") return redone(history);
  const present = changed(history.present, action);
  if (same(present, history.present)) return history;
  const gesture = action.gesture ?? null;
  const goesOn = gesture !== null && gesture === history.gesture;
  const past = goesOn ? history.past : [...history.past, history.present].slice(-MOST_STEPS);
  return { past, present, future: [], gesture };
}

/** @param {History} history @returns {History} */
function undone({ past, present, future }) {
  const before = past.at(-1);
  if (!before) return { past, present, future, gesture: null };
  return { past: past.slice(0, -1), present: before, future: [present, ...future], gesture: null };
}

/** @param {History} history @returns {History} */
function redone({ past, present, future }) {
  const [after, ...later] = future;
  if (!after) return { past, present, future, gesture: null };
  return { past: [...past, present], present: after, future: later, gesture: null };
}

/**
 * Return a document after a change.
 * @param {Document} document
 * @param {Change} change
 * @returns {Document}
 */
export function changed(document, change) {
  switch (change.type) {
    case "prompt":
    case "negative":
      return { ...document, [change.type]: change.text };
    case "settings":
      return withSettings(document, change.values);
    case "preset":
      return withPreset(document, change.name, change.values);
    case "strip.add":
      return withStrip(document, change.strip);
    case "strip.set":
      return {
        ...document,
        strips: document.strips.map((s) => (s.number === change.number ? { ...s, ...change.values } : s)),
      };
    case "strips.set":
      return {
        ...document,
        prompt: change.prompt ?? document.prompt,
        strips: document.strips.map((s) => ({ ...s, ...change.values[s.number] })),
      };
    case "strengths":
      return { ...document, pad: null, strips: strong(document.strips, change.names, change.strengths) };
    case "strip.remove":
      return withoutStrip(document, change.number);
    case "strip.move":
      return { ...document, strips: moved(document.strips, change.number, change.to) };
    case "strips":
      return withMix(document, change.strips, change.method, change.regions);
    case "region.add":
      return withRegion(document, change.region);
    case "region.set":
      return {
        ...document,
        regions: document.regions?.map((r) => (r.number === change.number ? { ...r, ...change.values } : r)) ?? [],
      };
    case "region.remove":
      return without(document, change.number);
    case "tag.set":
      return { ...document, prompt: spliced(document.prompt, change.at, change.end, change.text) };
    case "tag.convert":
      return withStrip({ ...document, prompt: withoutTag(document.prompt, change.at, change.end) }, change.strip);
    case "tag.remove":
      return { ...document, prompt: withoutTag(document.prompt, change.at, change.end) };
    case "pad":
      return atDot({ ...document, pad: change.pad });
    case "pad.mixes":
      return withMixes(document, change.mixes, change.method);
    case "pad.move":
      return document.pad ? atDot({ ...document, pad: { ...document.pad, at: change.at } }) : document;
    case "start":
      return withSettings(
        { ...document, start: { init: null, mask: null, ...document.start, ...change.values } },
        change.settings ?? {},
      );
    case "lay":
      return laid(document, change.document);
  }
}

/** @param {Document} document @param {Record<string, Value>} values @returns {Document} */
function withSettings(document, values) {
  const { preset } = document;
  const leaves = preset && Object.keys(values).some((field) => field in preset.before);
  return { ...document, settings: { ...document.settings, ...values }, ...(leaves ? { preset: null } : {}) };
}

/**
 * A preset remembers what its settings were; the empty name brings them back.
 * @param {Document} document @param {string} name @param {Record<string, Value>} values @returns {Document}
 */
function withPreset(document, name, values) {
  const before = document.preset?.before ?? {};
  const settings = { ...document.settings, ...before };
  if (!name) return { ...document, settings, preset: null };
  const kept = Object.fromEntries(Object.keys(values).map((field) => [field, settings[field] ?? null]));
  return { ...document, settings: { ...settings, ...values }, preset: { name, before: kept } };
}

/** @param {Document} document @param {Partial<Strip> & {name: string}} strip @returns {Document} */
function withStrip(document, strip) {
  return { ...document, strips: [...document.strips, { ...PLAIN, ...strip, number: nextNumber(document.strips) }] };
}

/**
 * Regions that come with a mix name its strips by their numbers; those that were there keep the strips of the same names.
 * @param {Document} document @param {Strip[]} strips @param {string} [method] @param {Region[]} [regions] @returns {Document}
 */
function withMix(document, strips, method, regions) {
  const first = nextNumber(document.strips);
  const numbered = strips.map((strip, place) => ({ ...PLAIN, ...strip, number: first + place }));
  const kept = regions?.length ? renamed(regions, strips, numbered) : sameNames(document, numbered);
  return {
    ...document,
    ...(kept ? { regions: kept } : {}),
    pad: null,
    strips: numbered,
    settings: method ? { ...document.settings, method } : document.settings,
  };
}

/** @param {Document} document @param {Partial<Document>} given @returns {Document} */
function laid(document, given) {
  const { regions, strips, ...others } = given;
  const whole = { ...document, ...others, preset: null, settings: { ...document.settings, ...given.settings } };
  if (strips) return withMix(regions ? { ...whole, regions: [] } : whole, strips, undefined, regions);
  return regions ? { ...whole, regions } : whole;
}

/**
 * Return a document whose strips are as strong as the pad's dot says: the corners' strengths, the nearer the more.
 * @param {Document} document @returns {Document}
 */
function atDot(document) {
  const { pad } = document;
  if (!pad) return document;
  const weights = weightsAt(pad);
  const strips = document.strips.map((strip) => {
    if (!pad.corners.some((corner) => String(strip.number) in corner.strengths)) return strip;
    const parts = pad.corners.map((corner, place) => (weights[place] ?? 0) * (corner.strengths[strip.number] ?? 0));
    return { ...strip, strength: Math.round(1000 * parts.reduce((sum, part) => sum + part, 0)) / 1000 + 0 };
  });
  return { ...document, strips };
}

/**
 * Return a document with saved mixes at the pad's corners: its strips are those of all of them, one for each name.
 * @param {Document} document @param {{ name: string, strips: Strip[] }[]} mixes @param {string} [method] @returns {Document}
 */
function withMixes(document, mixes, method) {
  const all = new Map(mixes.flatMap((mix) => mix.strips.map((strip) => [strip.name, strip])));
  const laid = withMix(document, [...all.values()], method);
  const numbers = new Map(laid.strips.map((strip) => [strip.name, strip.number]));
  const corners = mixes.map(({ name, strips }) => {
    const strengths = Object.fromEntries(strips.map((strip) => [numbers.get(strip.name) ?? 0, strip.strength]));
    return { name, strengths };
  });
  return atDot({ ...laid, pad: { corners, at: [0.5, 0.5] } });
}

/**
 * Return how much each corner counts; together 1. Two corners share the width, three the width above and one corner below.
 * @param {Pad} pad @returns {number[]}
 */
export function weightsAt({ corners, at: [x, y] }) {
  if (corners.length < 3) return [1 - x, x];
  if (corners.length === 3) return [(1 - x) * (1 - y), x * (1 - y), y];
  return [(1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y];
}

/**
 * Return strips of which those of some names are as strong as is said, one each; those of them that nothing is said of are off.
 * @param {Strip[]} strips @param {string[]} names @param {Record<string, number>} strengths @returns {Strip[]}
 */
function strong(strips, names, strengths) {
  const said = new Set();
  return strips.map((strip) => {
    if (!names.includes(strip.name)) return strip;
    const strength = said.has(strip.name) ? undefined : strengths[strip.name];
    said.add(strip.name);
    return strength === undefined ? { ...strip, on: false } : { ...strip, on: true, strength };
  });
}

/** @param {Strip[]} strips @returns {number} */
function nextNumber(strips) {
  return 1 + Math.max(0, ...strips.map((strip) => strip.number));
}

/** @param {Strip[]} strips @param {number} number @param {number} to @returns {Strip[]} */
function moved(strips, number, to) {
  const strip = strips.find((one) => one.number === number);
  if (!strip) return strips;
  const others = strips.filter((one) => one !== strip);
  const place = Math.max(0, Math.min(others.length, to));
  return [...others.slice(0, place), strip, ...others.slice(place)];
}

/** @param {string} text @param {number} at @param {number} end @param {string} put @returns {string} */
function spliced(text, at, end, put) {
  return text.slice(0, at) + put + text.slice(end);
}

/**
 * Return a prompt without one of its tags, and without the space that set it apart.
 * @param {string} text @param {number} at @param {number} end @returns {string}
 */
export function withoutTag(text, at, end) {
  if (text[end] === " ") return spliced(text, at, end + 1, "");
  return spliced(text, text[at - 1] === " " ? at - 1 : at, end, "");
}

/**
 * Return whether two values say the same, as JSON.
 * @param {unknown} left @param {unknown} right @returns {boolean}
 */
export function same(left, right) {
  return left === right || JSON.stringify(left) === JSON.stringify(right);
}
