/** A picture, large, over the page: arrows go to its neighbours, Esc closes, and what else can be done with it has a key. */

import { h, write } from "../desk/dom.js";
import { say } from "./words.js";

/**
 * @typedef {object} Shown
 * @property {string} key Its name among the others.
 * @property {string} url The picture's address.
 * @property {string} title What it is, for who cannot see it and for its caption.
 * @property {string} [record] How it was made.
 *
 * @typedef {object} Action
 * @property {string} key The key that does it, as `KeyboardEvent.key` in small letters.
 * @property {string} label The word of the table that its button shows.
 * @property {(place: number) => void} run Does it with the picture at a place.
 * @property {(place: number) => boolean} [pressed] Whether it is on, where it is a switch.
 */

export class Lightbox {
  /**
   * @param {Action[]} actions
   * @param {(key: string) => HTMLElement | null | undefined} [opener] Returns what opens the item of a key, however often it
   *   was drawn anew meanwhile: it has the focus when the picture is closed.
   */
  constructor(actions, opener) {
    this.actions = actions;
    this.opener = opener;
    /** @type {Shown[]} */
    this.items = [];
    this.place = 0;
    this.hasFocus = false;
    this.picture = h("img", { alt: "" });
    this.caption = h("p", { class: "lightbox-title", "aria-live": "polite" });
    this.record = h("pre", { class: "lightbox-record", tabindex: "0", "aria-label": say("record") });
    this.before = this.button("lightbox_before", "‹", () => this.go(-1), "lightbox-step before");
    this.after = this.button("lightbox_after", "›", () => this.go(1), "lightbox-step after");
    this.buttons = actions.map((action) =>
      h(
        "button",
        { type: "button", title: action.key.toUpperCase(), onClick: () => action.run(this.place) },
        say(action.label),
      ),
    );
    this.dialog = h(
      "dialog",
      { class: "lightbox", "aria-label": say("lightbox") },
      h("div", { class: "lightbox-stage" }, this.before, this.picture, this.after),
      h(
        "div",
        { class: "lightbox-side" },
        h(
          "div",
          { class: "lightbox-buttons" },
          ...this.buttons,
          this.button("close", say("close"), () => this.close()),
        ),
        this.caption,
        this.record,
      ),
    );
    this.dialog.addEventListener("keydown", (event) => this.pressed(event));
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    this.dialog.addEventListener("close", () => this.hasFocus && this.giveBack()); // a browser may close it by itself
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.close());
  }

  /** @param {string} label @param {string} text @param {() => void} run @param {string} [kind] */
  button(label, text, run, kind = "") {
    return h("button", { type: "button", class: kind, "aria-label": say(label), onClick: run }, text);
  }

  /** @param {Shown[]} items @param {number} place */
  open(items, place) {
    if (!this.dialog.isConnected) document.body.append(this.dialog);
    this.items = items;
    this.show(place); // before it opens: a dialog gives the focus to the first button that is not disabled
    if (!this.dialog.open) this.dialog.showModal();
    this.hasFocus = true;
  }

  /** Close it, and give the focus back at once: its `close` event comes late, when somebody may have gone on by keys. */
  close() {
    this.dialog.close();
    this.giveBack();
  }

  /** The focus goes back to the picture that was shown last, wherever it stands by now. */
  giveBack() {
    this.hasFocus = false;
    const item = this.items[this.place];
    const opener = item && this.opener?.(item.key);
    if (opener?.checkVisibility()) opener.focus();
  }

  /**
   * Show other items in the place of those before: the same one, wherever it is among them, or what took its place.
   * @param {Shown[]} items
   */
  change(items) {
    const key = this.items[this.place]?.key;
    this.items = items;
    if (!this.dialog.open) return;
    const place = items.findIndex((item) => item.key === key);
    if (items.length) this.show(place < 0 ? Math.min(this.place, items.length - 1) : place);
    else this.close();
  }

  /** @param {number} step */
  go(step) {
    const place = this.place + step;
    if (place >= 0 && place < this.items.length) this.show(place);
  }

  /** @param {number} place */
  show(place) {
    const item = this.items[place];
    if (!item) return;
    this.place = place;
    if (this.picture.getAttribute("src") !== item.url) this.picture.src = item.url;
    this.picture.alt = item.title;
    write(this.caption, `${place + 1}/${this.items.length} · ${item.title}`);
    write(this.record, item.record ?? "");
    this.record.hidden = !item.record;
    this.disable(place === 0, place === this.items.length - 1);
    this.actions.forEach((action, index) => {
      if (action.pressed) this.buttons[index].setAttribute("aria-pressed", String(action.pressed(place)));
    });
  }

  /** Disable steps that lead nowhere; the focus must stay in the dialog, or its keys are dead. @param {boolean} before @param {boolean} after */
  disable(before, after) {
    const held = document.activeElement;
    this.before.disabled = before;
    this.after.disabled = after;
    if (held instanceof HTMLButtonElement && this.dialog.contains(held) && held.disabled)
      /** @type {HTMLElement | null} */ (this.dialog.querySelector("button:not(:disabled)"))?.focus();
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation();
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) return this.go(step);
    if (event.key === "Home") return this.show(0);
    if (event.key === "End") return this.show(this.items.length - 1);
    const action = this.actions.find(({ key }) => key === event.key.toLowerCase());
    if (!action) return;
    event.preventDefault();
    action.run(this.place);
  }
}
