/**
 * The pictures of a run as they finish: a table with the names of columns, rows and blocks of rows, and one stop of Tab. A
 * click shows a picture large, in place; the arrows go on to its neighbours, and a button there sends its settings to the desk.
 */

import { Lightbox } from "../common/lightbox.js";
import { oneStop } from "../common/one_stop.js";
import { h, keep, write } from "../desk/dom.js";
import { say } from "../common/words.js";

/**
 * @typedef {{ row: number, column: number, title: string, url: string | null, failed: string | null }} Cell
 * @typedef {{ run: string, columns: string[], rows: string[], blocks: { name: string, rows: number }[], cells: Cell[] }} Value
 */

/** @param {Value} value @returns {Map<number, string>} The name that stands above a row, where a block begins. */
export function headings({ blocks }) {
  const found = new Map();
  let row = 0;
  for (const { name, rows } of blocks) {
    if (name) found.set(row, name);
    row += rows;
  }
  return found;
}

class Cells {
  /** @param {HTMLElement} root @param {(place: number) => void} send */
  constructor(root, send) {
    this.table = h("table", { class: "cells", role: "grid", "aria-label": say("cells") });
    this.settle = oneStop(this.table, ".cell");
    root.replaceChildren(h("div", { class: "cells-frame" }, this.table));
    /** @type {Cell[]} */
    this.cells = [];
    /** @type {import("../common/lightbox.js").Action[]} */
    const actions = [
      {
        key: "enter",
        label: "send",
        run: (place) => {
          this.lightbox.close();
          send(this.cells.indexOf(this.made()[place]));
        },
      },
      { key: "d", label: "download", run: (place) => h("a", { href: this.made()[place].url, download: "" }).click() },
    ];
    this.lightbox = new Lightbox(actions, (key) => this.table.querySelector(`[data-place="${key}"]`));
  }

  made() {
    return this.cells.filter(({ url }) => url);
  }

  /** @param {Value} value */
  show(value) {
    this.cells = value.cells ?? [];
    this.table.hidden = !this.cells.length;
    if (!this.cells.length) return;
    const wide = value.columns.some(Boolean) || value.rows.some(Boolean);
    const names = headings(value);
    const last = Math.max(...this.cells.map(({ row }) => row));
    /** @type {{ key: string, row: number | null, name: string }[]} */
    const lines = [{ key: `${value.run}-head`, row: null, name: "" }];
    for (let row = 0; row <= last; row += 1) {
      if (names.has(row)) lines.push({ key: `${value.run}-block-${row}`, row: null, name: names.get(row) ?? "" });
      lines.push({ key: `${value.run}-${row}`, row, name: value.rows[row] ?? "" });
    }
    this.table.style.setProperty("--columns", String(Math.max(1, value.columns.length)));
    keep(
      this.table,
      lines,
      ({ key }) => key,
      () => h("tr"),
      (line, { row, name, key }) => {
        const at = /** @type {HTMLElement} */ (line);
        if (row !== null) this.row(at, value, row, name, wide);
        else if (key.endsWith("-head")) this.head(at, value, wide);
        else this.block(line, value, name);
      },
    );
    this.settle();
    this.lightbox.change(this.made().map(shown));
  }

  /** @param {HTMLElement} line @param {Value} value @param {boolean} wide */
  head(line, value, wide) {
    line.hidden = !value.columns.some(Boolean);
    const names = ["", ...value.columns];
    keep(
      line,
      names.map((name, at) => ({ name, at })),
      ({ at }) => String(at),
      ({ at }) => h(at ? "th" : "td", at ? { scope: "col" } : {}),
      (cell, { name }) => write(cell, name),
    );
    const corner = /** @type {HTMLElement} */ (line.firstElementChild);
    corner.hidden = !wide || !value.rows.some(Boolean);
  }

  /** @param {Element} line @param {Value} value @param {string} name */
  block(line, value, name) {
    if (line.firstElementChild) return;
    line.append(h("th", { colspan: value.columns.length + 1, scope: "rowgroup", class: "cells-block" }, name));
  }

  /** @param {HTMLElement} line @param {Value} value @param {number} row @param {string} name @param {boolean} wide */
  row(line, value, row, name, wide) {
    const cells = this.cells.filter((cell) => cell.row === row);
    keep(
      line,
      [null, ...cells],
      (cell) => (cell ? String(cell.column) : "name"),
      (cell) =>
        cell ? h("td", {}, h("button", { type: "button", class: "cell", tabindex: "-1" })) : h("th", { scope: "row" }),
      (element, cell) => {
        if (cell) return this.fill(element, cell);
        write(element, name);
        /** @type {HTMLElement} */ (element).hidden = !wide || !value.rows.some(Boolean);
      },
    );
  }

  /** @param {Element} element @param {Cell} cell */
  fill(element, cell) {
    const button = /** @type {HTMLButtonElement} */ (element.firstElementChild);
    button.dataset.place = placeOf(cell);
    button.disabled = !cell.url;
    button.title = cell.failed ? say("colon", { name: cell.title, value: cell.failed }) : cell.title;
    button.classList.toggle("failed", Boolean(cell.failed));
    button.setAttribute("aria-label", button.title);
    button.onclick = () => this.lightbox.open(this.made().map(shown), this.made().indexOf(cell));
    if (cell.failed && !cell.url) return button.replaceChildren(h("small", {}, `✗ ${cell.failed}`));
    if (!cell.url) return write(button, "…");
    const image = button.querySelector("img");
    if (image?.getAttribute("src") !== cell.url)
      button.replaceChildren(h("img", { src: cell.url, alt: "", loading: "lazy" }));
  }
}

/** @param {Cell} cell */
const placeOf = ({ row, column }) => `${row} ${column}`;

/** @param {Cell} cell */
const shown = (cell) => ({ key: placeOf(cell), url: /** @type {string} */ (cell.url), title: cell.title });

/** @param {import("../desk/types.js").Handle} handle */
export function start({ element, trigger, props, watch }) {
  const cells = new Cells(/** @type {HTMLElement} */ (element.querySelector(".own")), (place) =>
    trigger("submit", { run: props.value.run, place }),
  );
  const show = () => cells.show(props.value ?? {});
  watch("value", show);
  show();
}
