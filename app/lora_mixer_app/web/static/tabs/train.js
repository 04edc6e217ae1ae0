/** The train tab: pictures and captions in, a LoRA out, seen while it learns. The server's side is `web/panes/training.py`. */

import { ask } from "../common/ask.js";
import { notice } from "../common/notice.js";
import { say } from "../common/words.js";
import { h, keep, write } from "../desk/dom.js";
import { Course } from "./train_course.js";
import { box, field, fieldValue, SETTINGS, sayWrong, wrongOf } from "./train_fields.js";
import { fileOf } from "./train_files.js";
import { Beside, Lesson } from "./train_lesson.js";
import { Pictures } from "./train_pictures.js";

/**
 * @typedef {{ name: string, state: string, under_way: boolean, step: number, of: number, epoch: number, loss: number,
 *   left: number | null, encoded: number, counted: number, message: string, notes: string[], resumes: boolean, made: boolean }} Row
 * @typedef {{ file: string, caption: string, repeats: number, size: [number, number], mask: boolean }} Picture
 * @typedef {Row & { pictures: Picture[], left_out: [string, string][], losses: [number, number, number | null][], samples: string[],
 *   settings: Record<string, any>, model: string | null, folder: string | null }} Training
 * @typedef {{ trainings: Row[], loras: string[], models: string[], model: string, defaults: Record<string, any> }} Listing
 */

const PAUSE = 1000; // milliseconds between two looks at a training that is under way

export class TrainTab {
  /** @type {Listing} */
  listing = { trainings: [], loras: [], models: [], model: "", defaults: {} };
  /** @type {Training | null} What is on the screen. */
  shown = null;
  /** @type {string | undefined} What shall be. */
  #chosen;
  #asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.list = h("ul", { id: "train-list", class: "train-list", "aria-label": say("trainings") });
    this.name = h("input", {
      type: "text",
      id: "train-name",
      placeholder: say("train_name"),
      "aria-label": say("train_name"),
    });
    this.make = h("button", { type: "button", id: "train-new", onClick: () => this.create() }, say("train_new"));
    this.body = h("div", { id: "train-body", class: "train-body", hidden: true }); // there is nothing yet to act on
    this.name.addEventListener("keydown", (event) => event.key === "Enter" && this.create());
    this.root.replaceChildren(
      h("p", { class: "train-help" }, say("train_help")),
      h("div", { class: "train-bar train-field" }, this.name, this.make, wrongOf("name")),
      this.list,
      this.body,
    );
    this.course = new Course();
    this.pictures = new Pictures(
      () => this.shown,
      (says) => this.course.say(says),
      (wrong) => this.sent(wrong),
    );
    /** @type {Record<string, HTMLInputElement>} */
    this.boxes = Object.fromEntries(SETTINGS.map(([name, kind, step]) => [name, box(name, kind, step)]));
    this.model = h("select", { id: "train-model", "aria-label": say("model") });
    this.sample = h("input", { type: "text", id: "train-sample" });
    this.start = h("button", { type: "button", id: "train-go", onClick: () => this.begin() }, say("train_start"));
    this.stop = h("button", { type: "button", id: "train-stop", onClick: () => this.end() }, say("train_stop"));
    this.desk = h(
      "button",
      { type: "button", id: "train-to-desk", onClick: () => this.toDesk() },
      say("train_to_desk"),
    );
    this.bin = h(
      "button",
      { type: "button", id: "train-delete", onClick: () => this.throwAway() },
      say("train_delete"),
    );
    this.load = h("a", { id: "train-download", download: "" }, say("download"));
    const settings = SETTINGS.map(([name]) => field(name, this.boxes[name]));
    this.lesson = new Lesson([this.pictures.element]);
    this.beside = new Beside();
    this.body.append(
      this.lesson.element,
      wrongOf("slider"),
      this.pictures.element,
      this.pictures.left,
      h(
        "fieldset",
        { class: "train-settings" },
        h("legend", {}, say("train_settings")),
        field("model", this.model),
        ...settings,
        field("sample", this.sample),
        this.beside.element,
      ),
      h("div", { class: "train-bar" }, this.start, this.stop, this.desk, this.load, this.bin, wrongOf("begin")),
      ...this.course.elements,
    );
    new IntersectionObserver(([entry]) => entry.isIntersecting && this.refresh()).observe(this.root);
    this.refresh();
  }

  /** Ask for the list, and for the training that is chosen; only the answers to the last question are drawn. */
  async refresh() {
    const mine = ++this.#asked;
    clearTimeout(this.#timer);
    const listing = await ask("trainings");
    if (!listing || mine !== this.#asked) return;
    const name = this.#chosen ?? listing.trainings[0]?.name;
    const heard = name && (await ask("training", { name }));
    if (mine !== this.#asked) return;
    this.listing = listing;
    this.#chosen = name;
    this.shown = name ? (heard ?? this.shown) : null;
    this.draw();
    if (this.shown?.under_way && this.root.offsetParent) this.#timer = setTimeout(() => this.refresh(), PAUSE);
  }

  /** @param {string} name */
  async show(name) {
    this.#chosen = name;
    await this.refresh();
  }

  async create() {
    this.body.hidden = true; // nobody sends pictures to the one before
    const made = await ask("training-make", { name: this.name.value }, (says) => this.#wrong({ name: says }));
    if (!made) return this.draw();
    this.#wrong({});
    this.name.value = "";
    await this.show(made.name);
  }

  /** Lay what a training was asked for into the boxes. */
  #fill() {
    const { defaults } = this.listing;
    const given = this.shown?.settings ?? {};
    for (const [name, kind] of SETTINGS) {
      const value = given[name] ?? defaults[name] ?? "";
      if (kind === "checkbox") this.boxes[name].checked = Boolean(value);
      else this.boxes[name].value = String(value);
    }
    this.sample.value = given.samples?.prompts?.[0] ?? "";
    this.beside.fill(given.samples?.beside);
    this.lesson.fill(given.slider ?? undefined);
    this.pictures.folder.value = this.shown?.folder ?? "";
    sayWrong(this.body, {}); // and leaves what is said of the name for the next one
  }

  draw() {
    const { trainings, models } = this.listing;
    keep(
      this.list,
      trainings,
      (row) => row.name,
      (row) => this.#entry(row),
      (element, row) => this.#named(element, row),
    );
    keep(
      this.model,
      models,
      (name) => name,
      (name) => h("option", { value: name }, name),
    );
    const { shown } = this;
    this.body.hidden = !shown;
    this.beside.offer(this.listing.loras);
    this.#mark(shown);
    if (!shown) return;
    if (this.body.dataset.training !== shown.name) {
      this.body.dataset.training = shown.name;
      this.#fill();
      this.model.value = shown.model ?? this.listing.model;
    }
    this.pictures.draw(shown);
    this.start.disabled = shown.under_way;
    write(this.start, say(shown.resumes ? "train_resume" : "train_start"));
    this.stop.disabled = !shown.under_way;
    this.desk.disabled = !shown.made;
    this.bin.disabled = shown.under_way;
    this.load.hidden = !shown.made;
    this.load.href = fileOf("training-lora", shown.name, "x");
    this.load.download = `${shown.name}.safetensors`;
    this.body.dataset.state = shown.state;
    this.course.draw(shown);
  }

  /** Mark the button that is to be pressed next. @param {Training | null} shown */
  #mark(shown) {
    const next = !shown ? this.make : shown.made && !shown.resumes ? this.desk : this.start;
    for (const one of [this.make, this.start, this.desk]) one.classList.toggle("primary", one === next);
  }

  /** @param {Row} row */
  #entry(row) {
    return h("li", {}, h("button", { type: "button", onClick: () => this.show(row.name) }));
  }

  /** @param {Element} element @param {Row} row */
  #named(element, row) {
    const button = /** @type {HTMLElement} */ (element.firstElementChild);
    write(
      button,
      `${row.name} · ${say(`train_is_${row.state}`)}${row.under_way && row.of ? ` ${row.step}/${row.of}` : ""}`,
    );
    button.setAttribute("aria-pressed", String(row.name === this.shown?.name));
  }

  /** Hear that pictures were sent. @param {string} wrong What was not taken, and why. */
  async sent(wrong) {
    this.#wrong({ pictures: wrong });
    await this.refresh();
  }

  async begin() {
    if (!this.shown) return;
    /** @type {Record<string, unknown>} */
    const settings = { sample: this.sample.value, beside: this.beside.read(), slider: this.lesson.read() };
    for (const [name, kind] of SETTINGS) settings[name] = fieldValue(this.boxes[name], kind);
    const sent = {
      name: this.shown.name,
      settings,
      model: this.model.value,
      folder: this.pictures.folder.value.trim(),
    };
    this.start.disabled = true;
    const answer = await ask("training-begin", sent, (says) => this.#wrong({ begin: says }));
    if (answer) this.#wrong(answer.wrong);
    await this.refresh();
  }

  async end() {
    if (!this.shown) return;
    this.stop.disabled = true;
    await ask("training-stop", { name: this.shown.name });
  }

  /** Put the training that is shown into the bin; a line at the bottom takes it out again. */
  async throwAway() {
    if (!this.shown) return;
    const { name } = this.shown;
    const gone = await ask("training-throw-away", { name }, (says) => this.#wrong({ begin: says }));
    if (!gone) return;
    this.#chosen = undefined;
    await this.refresh();
    notice(say("train_in_bin", { name }), {
      action: { label: say("undo_bin"), run: () => this.restore(gone.number) },
    });
  }

  /** @param {string} number */
  async restore(number) {
    const back = await ask("training-restore", { number });
    if (back) await this.show(back.name);
  }

  async toDesk() {
    if (!this.shown) return;
    const put = await ask("training-to-desk", { name: this.shown.name }, (says) => this.#wrong({ begin: says }));
    if (!put) return;
    document.dispatchEvent(new CustomEvent("desk:add-strip", { detail: { name: put.name, strength: 1 } }));
    /** @type {HTMLElement | null} */ (document.querySelector("button[role=tab]"))?.click();
  }

  /** @param {Record<string, string>} wrong */
  #wrong(wrong) {
    const elsewhere = sayWrong(this.root, wrong);
    if (elsewhere) notice(elsewhere, { kind: "error" });
  }
}

/** @param {{ element: HTMLElement }} handle */
export function start({ element }) {
  new TrainTab(/** @type {HTMLElement} */ (element.querySelector(".own") ?? element));
}
