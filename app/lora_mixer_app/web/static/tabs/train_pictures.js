/** The pictures of a training with their captions: dropped or chosen here, or a folder of the server's. */

import { ask } from "../common/ask.js";
import { say } from "../common/words.js";
import { h, keep, write } from "../desk/dom.js";
import { hint, wrongOf } from "./train_fields.js";
import { fileOf } from "./train_files.js";

/**
 * @typedef {import("./train.js").Picture} Picture
 * @typedef {import("./train.js").Training} Training
 */

export class Pictures {
  /**
   * @param {() => Training | null} training Returns the one that they are of.
   * @param {(says: string) => void} tell Hears how many were sent so far.
   * @param {(wrong: string) => Promise<void>} sent Hears that all were sent, and what was not taken.
   */
  constructor(training, tell, sent) {
    this.training = training;
    this.say = tell;
    this.sent = sent;
    this.files = h("input", {
      type: "file",
      id: "train-files",
      multiple: true,
      accept: "image/*,.txt,.caption",
      class: "visually-hidden",
      tabindex: "-1",
      "aria-label": say("train_pictures"),
      onChange: () => this.send([...(this.files.files ?? [])]),
    });
    this.folder = h("input", {
      type: "text",
      id: "train-folder",
      "aria-label": say("train_folder"),
      placeholder: say("train_folder"),
    });
    this.pictures = h("ul", { id: "train-pictures", class: "train-pictures", "aria-label": say("train_pictures") });
    this.left = h("p", { class: "train-left", id: "train-left-out" });
    const drop = h(
      "div",
      { class: "train-drop", id: "train-drop" },
      h("p", {}, say("train_drop")),
      h("button", { type: "button", id: "train-choose", onClick: () => this.files.click() }, say("train_choose")),
      this.files,
      this.folder,
      hint("folder"),
      wrongOf("pictures"),
    );
    drop.addEventListener("dragover", (event) => event.preventDefault());
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.send([...(event.dataTransfer?.files ?? [])]);
    });
    this.element = h("div", {}, drop, this.pictures);
  }

  /** @param {Training} shown */
  draw(shown) {
    keep(
      this.pictures,
      shown.pictures,
      (one) => `${shown.name}/${one.file}`,
      (one) => this.#picture(shown.name, one),
      renewed,
    );
    write(this.left, shown.left_out.map(([file, why]) => say("colon", { name: file, value: why })).join(" · "));
  }

  /** @param {string} training @param {Picture} one */
  #picture(training, one) {
    const text = h("textarea", {
      rows: 2,
      "aria-label": say("train_caption", { file: one.file }),
      placeholder: say("train_no_caption"),
    });
    text.value = one.caption;
    const wrong = h("small", { class: "train-wrong", role: "alert" });
    text.addEventListener("change", async () => {
      write(wrong, "");
      const sent = { name: training, picture: one.file, text: text.value };
      const kept = await ask("training-caption", sent, (says) => write(wrong, says));
      text.dataset.kept = kept === undefined ? "no" : "yes";
    });
    return h(
      "li",
      { class: "train-picture" },
      h("img", { src: fileOf("training-picture", training, one.file), alt: one.file, loading: "lazy" }),
      text,
      wrong,
    );
  }

  /** Send pictures and captions, one after the other. @param {File[]} files */
  async send(files) {
    const shown = this.training();
    if (!shown) return;
    /** @type {string[]} */
    const wrong = [];
    for (const [place, one] of files.entries()) {
      this.say(say("train_sending", { done: place + 1, total: files.length }));
      const url = new URL(
        `panes/training-picture?training=${encodeURIComponent(shown.name)}&file=${encodeURIComponent(one.name)}`,
        document.baseURI,
      );
      try {
        const answer = await fetch(url, { method: "PUT", body: one });
        if (!answer.ok) wrong.push(say("colon", { name: one.name, value: (await answer.json()).error }));
      } catch {
        wrong.push(say("colon", { name: one.name, value: say("no_answer") }));
      }
    }
    this.files.value = "";
    await this.sent(wrong.join(" "));
  }
}

/** A caption that somebody else changed is shown, unless it is being written. @param {Element} element @param {Picture} one */
function renewed(element, one) {
  const text = /** @type {HTMLTextAreaElement | null} */ (element.querySelector("textarea"));
  if (text && document.activeElement !== text && text.dataset.kept !== "no") text.value = one.caption;
}
