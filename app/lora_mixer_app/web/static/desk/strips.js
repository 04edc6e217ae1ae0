/** The strips: one for each LoRA of the mix, and of another colour for each tag of the prompt. */

import { addingBox } from "./adding.js";
import { h, keep } from "./dom.js";
import { makeStrip } from "./strip.js";
import { tagsOf } from "./tags.js";
import { say } from "./words.js";

/** @typedef {import("./strip.js").Row} Row */

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mountStrips(root, desk) {
  const list = h("div", { id: "strips", class: "strips" });
  const none = h("p", { id: "no-strips" }, say("no_strips"));
  /** @type {WeakMap<Element, (row: Row) => void>} */
  const updates = new WeakMap();
  const make = (/** @type {Row} */ row) => {
    const { element, update } = makeStrip(desk, row);
    updates.set(element, update);
    return element;
  };
  const draw = () => {
    const rows = rowsOf(desk);
    keep(
      list,
      rows,
      (row) => row.key,
      make,
      (element, row) => updates.get(element)?.(row),
    );
    none.hidden = rows.length > 0;
  };
  root.append(addingBox(desk), none, list);
  desk.subscribe((topics) => (topics.has("document") || topics.has("facts")) && draw());
  draw();
}

/** @param {import("./store.js").Desk} desk @returns {Row[]} */
function rowsOf(desk) {
  const { prompt, strips } = desk.document;
  const alone = strips.some((strip) => strip.on && strip.solo);
  const tags = tagsOf(prompt, desk.facts).map((tag, place) => ({
    key: `tag ${place} ${tag.strip.name}`,
    tag,
    strip: tag.strip,
    heard: !alone,
  }));
  const own = strips.map((strip) => ({
    key: `strip ${strip.number}`,
    tag: null,
    strip,
    heard: strip.on && (!alone || strip.solo),
  }));
  return [...own, ...tags];
}
