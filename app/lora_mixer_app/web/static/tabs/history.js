/** The history: pages of what was made, found by words, LoRA and model; favourites, a bin, and a picture large by a click. */

import { ask, link } from "../common/ask.js";
import { Lightbox } from "../common/lightbox.js";
import { notice } from "../common/notice.js";
import { oneStop } from "../common/one_stop.js";
import { h, keep, write } from "../desk/dom.js";
import { say } from "../common/words.js";

/**
 * @typedef {{ id: number, path: string, thumb: string, name: string, pinned: boolean, prompt: string, seed: number, infotext: string }} Picture
 * @typedef {{ pictures: Picture[], total: number, loras: [string, number][], models: [string, number][], bin: number, size: number }} Page
 * @typedef {{ text: string, lora: string, model: string, pinned: boolean, binned: boolean, start: number }} View
 */

const TYPED = 250; // milliseconds of rest before what was typed is looked for

export class History {
  /** @param {HTMLElement} root @param {(id: number) => void} send */
  constructor(root, send) {
    this.root = root;
    this.send = send;
    /** What is looked for. @type {View} */
    this.view = { text: "", lora: "", model: "", pinned: false, binned: false, start: 0 };
    /** What the page that is shown was looked for by. @type {View} */
    this.shown = this.view;
    /** @type {Page} */
    this.page = { pictures: [], total: 0, loras: [], models: [], bin: 0, size: 60 };
    /** @type {Set<number>} */
    this.chosen = new Set();
    this.asked = 0;
    /** @type {import("../common/lightbox.js").Action[]} */
    const actions = [
      { key: "enter", label: "send", run: (place) => this.toDesk(place) },
      {
        key: "f",
        label: "favourite",
        run: (place) => this.pin([this.at(place).id], !this.at(place).pinned),
        pressed: (place) => this.at(place).pinned,
      },
      { key: "delete", label: "delete", run: (place) => this.remove([this.at(place).id]) },
      { key: "d", label: "download", run: (place) => download(this.at(place)) },
    ];
    this.lightbox = new Lightbox(actions, (key) => this.grid.querySelector(`[data-key="${key}"] > .history-open`));
    this.search = h("input", {
      type: "search",
      id: "history-search",
      placeholder: say("history_hint"),
      "aria-label": say("search"),
    });
    this.lora = h("select", { id: "history-lora", "aria-label": say("filter_lora") });
    this.model = h("select", { id: "history-model", "aria-label": say("filter_model") });
    this.pinned = toggle("history-favourites", say("favourites"), () =>
      this.look({ pinned: !this.view.pinned, start: 0 }),
    );
    this.binned = toggle("history-bin", say("bin"), () => this.look({ binned: !this.view.binned, start: 0 }));
    this.status = h("p", { class: "history-status", role: "status" });
    this.grid = h("ul", { class: "history-grid", id: "history-grid", "aria-label": say("history") });
    this.settle = oneStop(this.grid, "button, input", () => lines(this.grid));
    this.bulk = h("div", { class: "history-bulk", role: "group", "aria-label": say("chosen_group") });
    this.before = h(
      "button",
      { type: "button", id: "history-before", onClick: () => this.turn(-1) },
      say("page_before"),
    );
    this.after = h("button", { type: "button", id: "history-after", onClick: () => this.turn(1) }, say("page_after"));
    this.pages = h("nav", { class: "history-pages", "aria-label": say("pages") }, this.before, this.after);
    let resting = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(resting);
      resting = window.setTimeout(() => this.look({ text: this.search.value, start: 0 }), TYPED);
    });
    this.lora.addEventListener("change", () => this.look({ lora: this.lora.value, start: 0 }));
    this.model.addEventListener("change", () => this.look({ model: this.model.value, start: 0 }));
    this.root.replaceChildren(
      h("div", { class: "history-bar" }, this.search, this.lora, this.model, this.pinned, this.binned),
      this.bulk,
      this.status,
      this.grid,
      this.pages,
    );
  }

  /** @param {number} place */
  at(place) {
    return this.page.pictures[place];
  }

  /** Look at another part of the history, or at the same again. @param {Partial<View>} [change] @returns {Promise<void>} */
  async look(change = {}) {
    if (Object.keys(change).some((name) => name !== "start")) this.chosen.clear();
    this.view = { ...this.view, ...change };
    const number = ++this.asked;
    const { view } = this;
    const page = await ask("history", view);
    if (!page || number !== this.asked) return; // an older answer
    if (!page.pictures.length && view.start) return this.look({ start: Math.max(0, view.start - page.size) });
    this.page = page;
    this.shown = view;
    this.draw();
  }

  /** @param {number} step */
  turn(step) {
    this.look({ start: Math.max(0, this.view.start + step * this.page.size) });
    this.root.scrollIntoView({ block: "start" });
  }

  draw() {
    const { pictures, total, loras, models, bin, size } = this.page;
    options(this.lora, say("filter_lora"), loras, this.view.lora);
    options(this.model, say("filter_model"), models, this.view.model);
    this.pinned.setAttribute("aria-pressed", String(this.view.pinned));
    this.binned.setAttribute("aria-pressed", String(this.view.binned));
    write(this.binned, `${say("bin")} (${bin})`);
    const { start } = this.shown;
    const last = Math.min(start + size, total);
    write(this.status, total ? say("history_range", { first: start + 1, last, total }) : say(none(this.shown, bin)));
    this.bulk.hidden = !pictures.length;
    this.before.disabled = !start;
    this.after.disabled = last >= total;
    this.pages.hidden = total <= size;
    keep(
      this.grid,
      pictures,
      (picture) => `${picture.id}`,
      () => this.card(),
      (card, picture) => this.fill(card, picture),
    );
    this.settle();
    this.drawBulk();
    this.lightbox.change(pictures.map(shown));
  }

  card() {
    return h(
      "li",
      { class: "history-card" },
      h(
        "button",
        { type: "button", class: "history-open", tabindex: "-1" },
        h("img", { alt: "", loading: "lazy", width: 160, height: 160 }),
      ),
      h("input", { type: "checkbox", class: "history-choose", tabindex: "-1" }),
      h("button", { type: "button", class: "history-star", tabindex: "-1" }, "★"),
    );
  }

  /** @param {Element} card @param {Picture} picture */
  fill(card, picture) {
    const [open, box, star] = /** @type {[HTMLButtonElement, HTMLInputElement, HTMLButtonElement]} */ ([
      ...card.children,
    ]);
    const image = /** @type {HTMLImageElement} */ (open.firstElementChild);
    const title = titled(picture);
    const thumb = link(picture.thumb);
    if (image.getAttribute("src") !== thumb) image.src = thumb;
    image.alt = title;
    open.title = title;
    open.onclick = () =>
      this.lightbox.open(
        this.page.pictures.map(shown),
        this.page.pictures.findIndex(({ id }) => id === picture.id),
      );
    box.checked = this.chosen.has(picture.id);
    box.setAttribute("aria-label", say("colon", { name: say("choose"), value: title }));
    box.onchange = () => {
      if (box.checked) this.chosen.add(picture.id);
      else this.chosen.delete(picture.id);
      this.drawBulk();
    };
    star.hidden = this.shown.binned;
    star.setAttribute("aria-pressed", String(picture.pinned));
    star.setAttribute("aria-label", say("colon", { name: say("favourite"), value: title }));
    star.onclick = () => this.pin([picture.id], !picture.pinned);
  }

  drawBulk() {
    const ids = [...this.chosen];
    const all = this.page.pictures.map(({ id }) => id);
    const act = (/** @type {string} */ id, /** @type {string} */ label, /** @type {() => void} */ run, off = false) =>
      h("button", { type: "button", id, disabled: off, onClick: run }, say(label));
    const none = !ids.length;
    const everything = () => {
      this.chosen = new Set(all.every((id) => this.chosen.has(id)) ? [] : all);
      this.draw();
    };
    const own = this.shown.binned
      ? [
          act("history-restore", "restore", () => this.restore(ids), none),
          act("history-destroy", "destroy", () => this.destroy(ids), none),
          act("history-empty", "empty_bin", () => this.destroy(null), !this.page.bin),
        ]
      : [
          act("history-pin", "favourite", () => this.pin(ids, true), none),
          act("history-unpin", "unfavourite", () => this.pin(ids, false), none),
          act("history-delete", "delete", () => this.remove(ids), none),
        ];
    this.bulk.replaceChildren(
      act("history-all", "choose_all", everything, !all.length),
      h("span", { role: "status" }, say("chosen", { count: ids.length })),
      ...own,
    );
  }

  /** @param {number} place */
  toDesk(place) {
    this.lightbox.close();
    this.send(this.at(place).id);
  }

  /** @param {number[]} ids @param {boolean} pinned */
  async pin(ids, pinned) {
    await ask("history-pin", { ids, on: pinned });
    await this.look();
  }

  /** @param {number[]} ids */
  async remove(ids) {
    if (this.shown.binned) return this.destroy(ids);
    const gone = await ask("history-throw-away", { ids });
    if (!gone) return;
    this.unchoose(ids);
    await this.look();
    if (!gone.length) return; // they were gone already
    notice(say("in_bin", { count: gone.length }), {
      action: { label: say("undo_bin"), run: () => this.restore(gone) },
    });
  }

  /** @param {number[]} ids */
  async restore(ids) {
    const back = await ask("history-restore", { ids });
    if (!back) return;
    this.unchoose(ids);
    await this.look();
    notice(say("restored", { count: back.length }));
  }

  /** Delete for good, after a question. @param {number[] | null} ids None is all that is in the bin. */
  async destroy(ids) {
    const count = ids ? ids.length : this.page.bin;
    if (!window.confirm(say("destroy_ask", { count }))) return;
    await ask("history-destroy", { ids });
    this.unchoose(ids ?? [...this.chosen]);
    await this.look();
  }

  /** What something was done with is chosen no longer; what was chosen meanwhile is. @param {number[]} ids */
  unchoose(ids) {
    for (const id of ids) this.chosen.delete(id);
  }
}

/** The cards of a grid, line by line as they stand. @param {HTMLElement} grid @returns {Element[][]} */
function lines(grid) {
  const cards = /** @type {HTMLElement[]} */ ([...grid.children]);
  return [...new Set(cards.map((card) => card.offsetTop))].map((top) => cards.filter((card) => card.offsetTop === top));
}

/** The sentence where nothing is found. @param {View} view @param {number} bin How many are in the bin. */
function none({ text, lora, model, pinned, binned }, bin) {
  if (binned && !bin) return "bin_empty";
  return text || lora || model || pinned ? "history_none" : "history_empty";
}

/** @param {Picture} picture */
const titled = ({ prompt, seed, name }) => say("seed_of", { seed, prompt: prompt.trim() || name });

/** @param {Picture} picture */
const shown = (picture) => ({
  key: `${picture.id}`,
  url: link(picture.path),
  title: titled(picture),
  record: picture.infotext,
});

/** @param {Picture} picture */
function download({ path, name }) {
  h("a", { href: link(path), download: name }).click();
}

/** @param {string} id @param {string} text @param {() => void} run */
function toggle(id, text, run) {
  return h("button", { type: "button", id, "aria-pressed": "false", onClick: run }, text);
}

/** @param {HTMLSelectElement} select @param {string} all @param {[string, number][]} values @param {string} now */
function options(select, all, values, now) {
  const wanted = [["", all], ...values.map(([name, count]) => [name, `${name} (${count})`])];
  if (now && !values.some(([name]) => name === now)) wanted.push([now, now]);
  select.replaceChildren(...wanted.map(([value, text]) => h("option", { value, selected: value === now }, text)));
}

/** @param {import("../desk/types.js").Handle} handle */
export function start({ element, trigger }) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".own"));
  const history = new History(root, (id) => trigger("submit", { id }));
  // whenever the tab comes into sight, and not before
  new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && history.look()).observe(
    element,
  );
}
