/**
 * The desk's state and what may be done to it: the one object that every pane's module is given.
 *
 * A pane reads (`document`, `shown`, `view`, `facts`), listens (`subscribe`), dispatches gestures (`dispatch`), and asks the
 * server (`ask`). See docs/ui.md, "How a pane is built".
 *
 * @typedef {import("./types.js").Answer} Answer
 * @typedef {import("./types.js").Document} Document
 * @typedef {import("./types.js").FirstFacts} FirstFacts
 * @typedef {import("./types.js").History} History
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./types.js").Shown} Shown
 * @typedef {import("./types.js").View} View
 * @typedef {import("./reducer.js").Action} Action
 * @typedef {"document" | "shown" | "view" | "facts" | "pictures" | "failure"} Topic
 */

import { NOTHING, heard, underWay } from "./answers.js";
import { Keeper } from "./keeper.js";
import { Known } from "./known.js";
import { begin, reduce, same } from "./reducer.js";
import { Wire } from "./wire.js";
import { say } from "./words.js";

const TYPED = 700; // milliseconds of no letter until live mode renders what was typed

/** @type {View} */
const FIRST_VIEW = { live: true, endless: false, lock: false, count: 1, picture: null, compared: null };

export class Desk {
  /** @type {History} */
  #history;
  /** @type {Shown} */
  shown = NOTHING;
  /** @type {View} */
  view = FIRST_VIEW;
  /** What went wrong last, in a sentence; empty when nothing did. */
  failure = "";
  /** A picture that is shown until the one that is asked for has come; null most of the time. @type {string | null} */
  glance = null;
  /** What the last gesture changed by itself, in a sentence. */
  note = "";
  /** @type {FirstFacts} */
  first;
  /** Pictures of this Generate that are still to come. */
  left = 0;
  #offset = 0;
  #typing = false;
  #cancelled = 0;
  #wire;
  #memory;
  #known;
  #keeper;
  /** @type {string} */
  #rendered = "";
  /** @type {Set<(topics: Set<Topic>) => void>} */
  #listeners = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #liveTimer;
  /** @type {Promise<{loras: string[], embeddings: string[], wildcards: string[]}> | null} */
  #completions = null;

  /**
   * @param {FirstFacts} first What the page begins with.
   * @param {import("./types.js").Handle} page @param {import("./types.js").Handle} answers
   * @param {import("./memory.js").Memory} memory Where the document is kept.
   */
  constructor(first, page, answers, memory) {
    this.first = first;
    this.#memory = memory;
    const kept = memory.read();
    this.#history = kept?.history ?? begin(first.document);
    this.view = { ...FIRST_VIEW, ...kept?.view };
    this.#rendered = kept?.rendered ?? "";
    const ask = this.ask.bind(this);
    const fail = (/** @type {unknown} */ error) => this.fail(error);
    this.#known = new Known(ask, fail, () => this.#tell("facts"));
    this.#keeper = new Keeper(ask, fail);
    this.#wire = new Wire(page, answers, {
      onAnswer: (answer) => this.#onAnswer(answer),
      onLay: (document) => this.dispatch({ type: "lay", document }),
    });
    this.#wire.publish(this.document);
    this.#askFacts();
    if (!kept) this.#fetchKept();
  }

  /** The document as it is now. */
  get document() {
    return this.#history.present;
  }

  /** What the server knows of the document. */
  get facts() {
    return this.#known.facts;
  }

  /** How far LoRAs move the model's weights at strength 1, by name; null while that is measured. */
  get moves() {
    return this.#known.moves;
  }

  get canUndo() {
    return this.#history.past.length > 0;
  }

  get canRedo() {
    return this.#history.future.length > 0;
  }

  get rendering() {
    return underWay(this.shown) || this.#wire.isWaiting;
  }

  /** Whether what was rendered last, or is, is the document as it is now. */
  get isRendered() {
    return JSON.stringify(this.document) === this.#rendered;
  }

  /**
   * Do a gesture: change the document, at once.
   * @param {Action} action
   * @param {{ settled?: boolean, typed?: boolean, note?: string }} [how] `settled: false` while a knob is still held: nothing
   *   is rendered yet. `typed`: render when the typing pauses. `note`: what the gesture changes by itself.
   */
  dispatch(action, { settled = true, typed = false, note = "" } = {}) {
    const before = this.#history;
    this.note = note;
    this.#history = reduce(before, action);
    if (this.#history === before && !settled) return;
    if (this.#history.present !== before.present) {
      this.#wire.publish(this.document);
      this.#remember();
      if (this.#wire.hasLogin) this.#keeper.keep(this.document);
      this.#askFacts();
      this.#tell("document");
    } else if (this.#history !== before) this.#tell("document");
    clearTimeout(this.#liveTimer);
    this.#typing = settled && typed;
    if (this.#typing) this.#liveTimer = setTimeout(() => this.#live(), TYPED);
    else if (settled) this.#live();
  }

  /**
   * Change what the page shows beside the document.
   * @param {Partial<View>} values
   */
  look(values) {
    if (same({ ...this.view, ...values }, this.view)) return;
    this.view = { ...this.view, ...values };
    this.#remember();
    this.#tell("view");
  }

  /** Show a picture for a glance, or none any more. @param {string | null} url */
  peek(url) {
    if (url === this.glance) return;
    this.glance = url;
    this.#tell("shown");
  }

  /** What was typed is settled: live mode renders it now, if it waits to. */
  settle() {
    if (this.#typing) this.#live();
  }

  /**
   * Add a LoRA at the strength its owner prefers; one that is there is switched on.
   * @param {string} name
   * @throws {ServerError} It cannot be found, or does not fit the model.
   */
  async addLora(name) {
    const there = this.document.strips.find((strip) => strip.name === name);
    if (there) return this.dispatch({ type: "strip.set", number: there.number, values: { on: true } });
    /** @type {import("./types.js").Card} */
    const card = (await this.ask("loras.facts", { names: [name] }))[name];
    if (card.problem) throw new Error(say("unfit", { name, reason: card.problem }));
    this.dispatch({ type: "strip.add", strip: { name, strength: card.strength ?? 1 } });
  }

  /**
   * Put words behind the prompt, unless they are in it.
   * @param {string} words
   */
  insertWords(words) {
    const { prompt } = this.document;
    if (
      prompt
        .replace(/<[^<>]*>/g, "")
        .toLowerCase()
        .includes(words.toLowerCase())
    )
      return;
    const text = prompt.trim() ? `${prompt.trimEnd().replace(/,$/, "")}, ${words}` : words;
    this.dispatch({ type: "prompt", text });
  }

  /** @returns {Promise<{loras: string[], embeddings: string[], wildcards: string[]}>} What may be written in a prompt here. */
  completions() {
    this.#completions ??= this.ask("completions").finally(() => setTimeout(() => (this.#completions = null), 10_000));
    return this.#completions;
  }

  /** Render what the desk shows. */
  generate() {
    this.left = this.view.count;
    this.#offset = 0;
    this.#send(this.view.lock);
  }

  /** Stop what is rendered, and what was to be. */
  cancel() {
    this.left = 0;
    this.#wire.drop();
    this.#cancelled = this.#wire.number;
    this.ask("cancel").catch((error) => this.fail(error));
  }

  /**
   * Ask the server something: a row of `desk/functions.py`.
   * @param {string} name @param {Record<string, unknown>} [data] @returns {Promise<any>}
   */
  ask(name, data) {
    return this.#wire.ask(name, data);
  }

  /** @param {File} file @returns {Promise<{path: string, url: string}>} */
  upload(file) {
    return this.#wire.upload(file);
  }

  /**
   * Say what went wrong, where everybody looks.
   * @param {unknown} error
   */
  fail(error) {
    this.failure = error instanceof Error ? error.message : String(error);
    this.#tell("failure");
  }

  /** What went wrong last was mended. */
  wentWell() {
    if (!this.failure) return;
    this.failure = "";
    this.#tell("failure");
  }

  /** Tell that pictures of the history changed: one was made, pinned, deleted. */
  picturesChanged() {
    this.#tell("pictures");
  }

  /**
   * Hear of changes; the topics say of what.
   * @param {(topics: Set<Topic>) => void} listener @returns {() => void} Stops it.
   */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** @param {Topic[]} topics */
  #tell(...topics) {
    for (const listener of this.#listeners) listener(new Set(topics));
  }

  #remember() {
    this.#memory.write({ history: this.#history, view: this.view, rendered: this.#rendered });
  }

  #live() {
    this.#typing = false;
    clearTimeout(this.#liveTimer);
    const begun = this.#rendered !== "" || this.document.strips.length > 0; // there is something to follow
    if (!this.view.live || !begun || this.isRendered) return;
    this.left = 1;
    this.#offset = 0;
    this.#send(true);
  }

  /** @param {boolean} sameNoise */
  #send(sameNoise) {
    clearTimeout(this.#liveTimer);
    this.failure = "";
    this.#rendered = JSON.stringify(this.document);
    this.#remember();
    const noise = sameNoise ? (this.view.picture?.id ?? null) : null;
    this.#wire.send({ document: this.document, noise, offset: this.#offset });
    this.#tell("failure", "shown");
  }

  /** @param {Answer} answer */
  #onAnswer(answer) {
    const before = this.shown;
    this.shown = heard(before, answer);
    if (same(this.shown, before)) return;
    this.#tell("shown");
    if (answer.kind === "began" && answer.number <= this.#cancelled) this.ask("cancel").catch(() => {}); // it came too early
    if (answer.kind === "began" || answer.kind === "step") return;
    if (this.shown.done !== before.done && this.shown.done?.picture) this.look({ picture: this.shown.done.picture });
    if (this.shown.newest === answer) this.#ended(answer);
    this.picturesChanged();
    this.#measure();
  }

  /** A new browser begins with the desk that the server keeps of whoever is logged in. */
  async #fetchKept() {
    const before = this.#history;
    const kept = await this.#keeper.kept();
    if (kept && this.#history === before) this.dispatch({ type: "lay", document: kept }, { settled: false });
  }

  /** @param {Answer} answer */
  #ended(answer) {
    if (answer.kind === "error") this.fail(answer.says);
    this.left = answer.kind === "done" ? this.left - 1 : 0;
    if (answer.kind !== "done" || answer.number !== this.#wire.number) return;
    if (this.left > 0 || this.view.endless) {
      this.#offset += 1;
      this.#send(this.view.lock);
    }
  }

  #askFacts() {
    this.#known.ask(
      () => this.document,
      () => this.#measure(),
    );
  }

  #measure() {
    const idle = !this.rendering && this.shown.done !== null;
    this.#known.measure(String(this.document.settings.model ?? ""), idle);
  }
}
