/** How far a training is: a line and a bar, what it noted, its losses as a curve, and the samples it painted. */

import { h, keep, write } from "../desk/dom.js";
import { say } from "../common/words.js";
import { curve } from "./curve.js";
import { fileOf } from "./train_files.js";

/**
 * @typedef {import("./train.js").Row} Row
 * @typedef {import("./train.js").Training} Training
 */

export class Course {
  constructor() {
    this.status = h("p", { id: "train-status", role: "status", "aria-live": "polite" });
    this.progress = h("progress", { id: "train-progress", max: 1, value: 0, "aria-label": say("progress") });
    this.notes = h("ul", { id: "train-notes", class: "train-left" });
    this.plot = h("div", { id: "train-plot", class: "train-plot" });
    this.samples = h("div", { id: "train-samples", class: "train-samples" });
    this.elements = [this.progress, this.status, this.notes, this.plot, this.samples];
  }

  /** Say something until the training is drawn again. @param {string} text */
  say(text) {
    write(this.status, text);
  }

  /** @param {Training} shown */
  draw(shown) {
    this.progress.hidden = shown.state === "new";
    this.progress.value = shown.of ? shown.step / shown.of : 0;
    write(this.status, told(shown));
    keep(
      this.notes,
      shown.notes,
      (note) => note,
      (note) => h("li", {}, note),
    );
    curve(this.plot, shown.losses);
    keep(
      this.samples,
      [...shown.samples].reverse(),
      (name) => `${shown.name}/${name}`,
      (name) => sheet(shown.name, name),
    );
  }
}

/** @param {Row} row @returns {string} */
function told(row) {
  if (row.state === "failed") return row.message;
  if (row.state === "encoding") return say("train_encoding", { done: row.encoded, total: row.counted });
  if (row.state === "training" || row.state === "stopped" || row.state === "finished") {
    const step = say("train_step", { step: row.step, of: row.of, epoch: row.epoch, loss: row.loss.toFixed(4) });
    const left = row.left === null ? "" : ` ${say("train_left", { left: time(row.left) })}`;
    return row.state === "training" ? step + left : say("train_over", { how: say(`train_is_${row.state}`), step });
  }
  if (row.state === "new") return say("train_before");
  if (row.state === "starting") return say("train_begins");
  return say(`train_is_${row.state}`);
}

/** @param {number} seconds @returns {string} */
function time(seconds) {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return [
    ...(hours ? [hours] : []),
    hours ? String(minutes).padStart(2, "0") : minutes,
    String(whole % 60).padStart(2, "0"),
  ].join(":");
}

/** @param {string} training @param {string} name */
function sheet(training, name) {
  return h(
    "a",
    { href: fileOf("training-sample", training, name), target: "_blank" },
    h("img", { src: fileOf("training-sample", training, name), alt: name.replace(".png", ""), loading: "lazy" }),
  );
}
