/** What a training learns from, pictures or two prompts, and which LoRAs its samples are painted beside. */

import { say } from "../common/words.js";
import { h } from "../desk/dom.js";
import { box, field } from "./train_fields.js";

/** @typedef {{ positive: string, negative: string, subject: string }} Ends */

/** Pictures, or the two ends of a slider. */
export class Lesson {
  /** @param {HTMLElement[]} pictures What is there for pictures only. */
  constructor(pictures) {
    this.pictures = pictures;
    this.kind = h(
      "select",
      { id: "train-kind", onChange: () => this.#show() },
      ...["pictures", "slider"].map((kind) => h("option", { value: kind }, say(`train_kind_${kind}`))),
    );
    this.ends = {
      positive: box("positive", "text"),
      negative: box("negative", "text"),
      subject: box("subject", "text"),
    };
    this.slider = h(
      "div",
      { class: "train-slider", id: "train-slider" },
      ...Object.entries(this.ends).map(([name, input]) => field(name, input)),
    );
    this.element = h("div", { class: "train-lesson" }, field("kind", this.kind), this.slider);
    this.#show();
  }

  #show() {
    const slider = this.kind.value === "slider";
    this.slider.hidden = !slider;
    for (const one of this.pictures) one.hidden = slider;
  }

  /** @returns {Ends | null} The ends of a slider; null for pictures. */
  read() {
    if (this.kind.value !== "slider") return null;
    const { positive, negative, subject } = this.ends;
    return { positive: positive.value.trim(), negative: negative.value.trim(), subject: subject.value.trim() };
  }

  /** @param {Partial<Ends> | undefined} given */
  fill(given) {
    this.kind.value = given ? "slider" : "pictures";
    for (const [name, input] of Object.entries(this.ends))
      input.value = given?.[/** @type {keyof Ends} */ (name)] ?? "";
    this.#show();
  }
}

/** Other LoRAs that samples are painted beside: a line, and a list that writes into it. */
export class Beside {
  constructor() {
    this.line = box("beside", "text");
    this.list = h("select", {
      id: "train-beside-add",
      "aria-label": say("train_beside_add"),
      onChange: () => this.#add(),
    });
    this.element = field("beside", this.line, this.list);
  }

  #add() {
    const said = this.line.value.trim();
    this.line.value = `${said}${said ? ", " : ""}${this.list.value}`;
    this.list.value = "";
  }

  /** @param {string[]} names */
  offer(names) {
    if (this.list.options.length === names.length + 1) return;
    const options = names.map((name) => h("option", { value: name }, name));
    this.list.replaceChildren(h("option", { value: "" }, `${say("train_beside_add")} …`), ...options);
  }

  read() {
    return this.line.value.trim();
  }

  /** @param {Record<string, number>[] | undefined} mixes */
  fill(mixes) {
    const said = (mixes ?? []).map((mix) =>
      Object.entries(mix)
        .map(([name, strength]) => (strength === 1 ? name : `${name}:${strength}`))
        .join(" + "),
    );
    this.line.value = said.join(", ");
  }
}
