/**
 * What LoRAs have in common, as bars and tables of numbers in the page's own colours: in light and dark, large and small, and
 * to whoever is read to.
 */

import { say } from "../common/words.js";
import { h } from "../desk/dom.js";

/**
 * @typedef {{ rows: string[], columns: string[], values: number[][] }} Grid
 * @typedef {{ names: string[], blocks: string[], sizes: number[][], pairs: Grid | null, byBlock: Grid | null }} Value
 */

const percent = (/** @type {number} */ value) => `${(100 * value).toFixed(1)}%`;

/** Bars of how far each LoRA moves each block. @param {Value} value */
function bars({ names, blocks, sizes }) {
  const most = Math.max(...sizes.flat(), Number.MIN_VALUE);
  const bar = (/** @type {number} */ lora, /** @type {number} */ block) => {
    const size = sizes[lora][block];
    return h(
      "div",
      { class: `bar-line series-${lora % 8}` },
      h("span", { class: "bar-fill", style: `width: ${(100 * size) / most}%` }),
      h("span", { class: "bar-value" }, percent(size)),
    );
  };
  const rows = blocks.map((block, at) =>
    h("tr", {}, h("th", { scope: "row" }, block), h("td", {}, ...names.map((_, lora) => bar(lora, at)))),
  );
  const legend = names.map((name, lora) => h("li", { class: `series-${lora % 8}` }, name));
  return figure(
    "inspect_sizes",
    h("ul", { class: "plot-legend" }, ...legend),
    h("table", { class: "plot bars" }, ...rows),
  );
}

/** Cosines as a table of coloured cells. @param {string} label @param {Grid} grid */
function cosines(label, { rows, columns, values }) {
  const head = h("tr", {}, h("td"), ...columns.map((name) => h("th", { scope: "col" }, name)));
  const cell = (/** @type {number} */ value) =>
    h(
      "td",
      { class: value < 0 ? "opposed" : "alike", style: `--share: ${Math.min(1, Math.abs(value)) * 55}%` },
      value.toFixed(2).replace(/^-(0\.00)$/, "$1"),
    );
  const lines = rows.map((name, at) => h("tr", {}, h("th", { scope: "row" }, name), ...values[at].map(cell)));
  return figure(label, h("table", { class: "plot cosines" }, head, ...lines));
}

/** @param {string} label @param {HTMLElement[]} content */
function figure(label, ...content) {
  return h("figure", { class: "plot-frame" }, h("figcaption", {}, say(label)), ...content);
}

/** @param {import("../desk/types.js").Handle} handle */
export function start({ element, props, watch }) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".own"));
  const show = () => {
    /** @type {Value} */
    const value = props.value ?? {};
    root.replaceChildren();
    if (!value.names?.length) return;
    root.append(bars(value));
    if (value.pairs) root.append(cosines("inspect_overlap", value.pairs));
    if (value.byBlock) root.append(cosines("inspect_overlap_blocks", value.byBlock));
  };
  watch("value", show);
  show();
}
