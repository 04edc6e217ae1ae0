/** A list of choices below a box, for the keyboard and the pointer. */

import { h } from "./dom.js";

/** @typedef {{ text: string, value: string, hint?: string }} Choice */

const MOST = 12;
let lists = 0;

export class Choices {
  #box;
  #take;
  /** @type {Choice[]} */
  #choices = [];
  #at = -1;
  /** Counts the times it was closed. */
  turn = 0;

  /**
   * @param {HTMLInputElement | HTMLTextAreaElement} box
   * @param {(value: string) => void} take Hears what was chosen.
   */
  constructor(box, take) {
    this.#box = box;
    this.#take = take;
    this.element = h("ul", { class: "choices", role: "listbox", id: `list-${++lists}`, hidden: true });
    box.setAttribute("role", "combobox");
    box.setAttribute("aria-autocomplete", "list");
    box.setAttribute("aria-expanded", "false");
    box.setAttribute("aria-controls", this.element.id);
  }

  get isOpen() {
    return !this.element.hidden;
  }

  /** @param {Choice[]} choices @param {number} [at] The one that is marked from the first. */
  open(choices, at = -1) {
    this.#choices = choices.slice(0, MOST);
    this.#at = at;
    this.element.replaceChildren(...this.#choices.map((choice, place) => this.#item(choice, place)));
    this.element.hidden = choices.length === 0;
    this.#mark();
  }

  /** Close the list; what was asked for before comes too late (`turn`). */
  close() {
    this.turn += 1;
    this.element.hidden = true;
    this.#mark();
  }

  /**
   * Take a key, if it is one for the list.
   * @param {KeyboardEvent} event @returns {boolean} Whether it was.
   */
  key(event) {
    if (!this.isOpen || event.isComposing) return false;
    const chosen = this.#choices[this.#at];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (event.ctrlKey || event.metaKey) return false;
      const count = this.#choices.length;
      this.#at = (this.#at + (event.key === "ArrowDown" ? 1 : this.#at < 0 ? 0 : -1) + count) % count;
      this.#mark();
    } else if ((event.key === "Enter" || event.key === "Tab") && chosen && !event.ctrlKey) {
      this.close();
      this.#take(chosen.value);
    } else if (event.key === "Escape") this.close();
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  /** @param {Choice} choice @param {number} place */
  #item(choice, place) {
    const hint = choice.hint ? h("span", { class: "small" }, ` ${choice.hint}`) : null;
    const item = h("li", { role: "option", id: `${this.element.id}-${place}` }, choice.text, hint);
    item.addEventListener("mousedown", (event) => {
      event.preventDefault(); // the box keeps the focus
      this.close();
      this.#take(choice.value);
    });
    return item;
  }

  #mark() {
    this.#box.setAttribute("aria-expanded", String(this.isOpen));
    [...this.element.children].forEach((item, place) => {
      item.setAttribute("aria-selected", String(place === this.#at));
      if (place === this.#at) item.scrollIntoView({ block: "nearest" });
    });
    if (this.isOpen && this.#at >= 0) this.#box.setAttribute("aria-activedescendant", `${this.element.id}-${this.#at}`);
    else this.#box.removeAttribute("aria-activedescendant");
  }
}
