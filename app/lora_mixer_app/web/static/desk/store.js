/**
 * The desk's state and what may be done to it: the one object that every pane's module is given.
 *
 * A pane reads (`document`, `shown`, `view`, `facts`), listens (`subscribe`), dispatches gestures (`dispatch`), and asks the
 * server (`ask`). See docs/ui.md, "How a pane is built".
 *
 * @typedef {import("./types.js").Document} Document
 * @typedef {import("./types.js").FirstFacts} FirstFacts
 * @typedef {import("./types.js").History} History
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./types.js").View} View
 * @typedef {import("./reducer.js").Action} Action
 * @typedef {"document" | "shown" | "view" | "facts" | "pictures" | "failure"} Topic
 */

import { InOrder } from "./in_order.js";
import { Keeper } from "./keeper.js";
import { Known } from "./known.js";
import { Live } from "./live.js";
import { begin, reduce, same } from "./reducer.js";
import { Renders } from "./renders.js";
import { Wire } from "./wire.js";
import { say } from "./words.js";

/** @type {View} */
const FIRST_VIEW = { live: true, endless: false, lock: false, count: 1, picture: null, compared: null };

export class Desk {
  /** @type {History} */
  #history;
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
  #wire;
  #memory;
  #reload;
  #known;
  #keeper;
  #renders;
  #order = new InOrder();
  /** What takes back what was done last beside the document, such as deletions, the newest last. @type {(() => void)[]} */
  #beside = [];
  #live = new Live(() => this.#follow());
  /** @type {Set<(topics: Set<Topic>) => void>} */
  #listeners = new Set();
  /** @type {Promise<{loras: string[], embeddings: string[], wildcards: string[]}> | null} */
  #completions = null;

  /**
   * @param {FirstFacts} first What the page begins with.
   * @param {import("./types.js").Handle} page @param {import("./types.js").Handle} answers
   * @param {import("./memory.js").Memory} memory Where the document is kept.
   * @param {() => void} [reload] Loads the page anew: what answers came by ended with the server.
   */
  constructor(first, page, answers, memory, reload = () => location.reload()) {
    this.first = first;
    this.#memory = memory;
    this.#reload = reload;
    const kept = memory.read();
    this.#history = kept?.history ?? begin(first.document);
    this.view = { ...FIRST_VIEW, ...kept?.view };
    const ask = this.ask.bind(this);
    const fail = (/** @type {unknown} */ error) => this.fail(error);
    this.#known = new Known(ask, fail, () => this.#tell("facts"));
    this.#keeper = new Keeper(ask, fail);
    this.#wire = new Wire(page, answers);
    this.#renders = new Renders(this.#wire, () => this, this.#hear(), kept?.rendered ?? "");
    this.#wire.listen((answer) => this.#renders.take(answer));
    this.#wire.publish(this.document);
    this.#askFacts();
    if (!kept) this.#fetchKept();
    const pending = kept?.pending;
    if (pending) this.#wire.greeted.then(() => this.#renders.resume(pending));
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
    return this.#beside.length > 0 || this.#history.past.length > 0;
  }

  get canRedo() {
    return this.#history.future.length > 0;
  }

  /** What is known of renders. */
  get shown() {
    return this.#renders.shown;
  }

  get rendering() {
    return this.#renders.areUnderWay;
  }

  /**
   * Whether it is time to cancel: what somebody asked for is under way, or what Live began before it was turned off. While Live
   * follows, whatever is done next ends the render before it, and what is missing is a Generate.
   */
  get canCancel() {
    return this.#renders.areAsked || (this.rendering && !this.view.live);
  }

  /** Whether pictures are under way that edits are none of: those that Generate was pressed for together. */
  get isSeriesOlder() {
    return this.#renders.areSeries && !this.isRendered;
  }

  /** Why pictures go on without the last edits; empty when they do not. */
  get refusal() {
    return this.#renders.refusal;
  }

  /** Whether what was rendered last, or is, is the document as it is now. */
  get isRendered() {
    return this.#renders.isLast;
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
    if (this.#history !== before) this.#beside = [];
    if (this.#history.present !== before.present) {
      this.#wire.publish(this.document);
      this.#remember();
      if (this.#wire.hasLogin) this.#keeper.keep(this.document);
      this.#askFacts();
      this.#tell("document");
    } else if (this.#history !== before) this.#tell("document");
    this.#live.moved({ settled, typed });
  }

  /**
   * Do a gesture that needs the server's answer: such gestures are done in the order in which they were made.
   * @template T
   * @param {Promise<T>} answer @param {(told: T) => void} act
   * @returns {Promise<void>} Fails as the answer does.
   */
  after(answer, act) {
    return this.#order.after(answer, act);
  }

  /** Take the last gesture back, once it is done. */
  undo() {
    this.#order.now(() => {
      const takeBack = this.#beside.at(-1);
      if (!takeBack) return this.dispatch({ type: "undo" });
      this.cannotTakeBack(takeBack);
      takeBack();
    });
  }

  /** Something was done beside the document: undo takes it back, until a gesture changes the document. @param {() => void} takeBack */
  canTakeBack(takeBack) {
    this.#beside = [...this.#beside, takeBack];
    this.#tell("document");
  }

  /** It was taken back already. @param {() => void} takeBack */
  cannotTakeBack(takeBack) {
    this.#beside = this.#beside.filter((one) => one !== takeBack);
    this.#tell("document");
  }

  /** Do again what was taken back. */
  redo() {
    this.#order.now(() => this.dispatch({ type: "redo" }));
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
    this.#live.settle();
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

  /** Ask what the server knows of the document: what lies in its folders has changed. */
  lookAgain() {
    this.#askFacts();
  }

  /** @returns {Promise<{loras: string[], embeddings: string[], wildcards: string[]}>} What may be written in a prompt here. */
  completions() {
    this.#completions ??= this.ask("completions").finally(() => setTimeout(() => (this.#completions = null), 10_000));
    return this.#completions;
  }

  /** Render what the desk shows. */
  generate() {
    this.#renders.generate();
  }

  /** Stop what is rendered, and what was to be. */
  cancel() {
    this.#live.hold();
    this.#renders.cancel().catch((error) => this.fail(error));
    this.#remember();
  }

  /**
   * Ask the server something: a row of `desk/functions.py`.
   * @param {string} name @param {Record<string, unknown>} [data] @returns {Promise<any>}
   */
  async ask(name, data) {
    const answer = await this.#wire.ask(name, data);
    if (this.failure === say("no_answer")) this.wentWell();
    return answer;
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
    const { last, pending } = this.#renders;
    this.#memory.write({ history: this.#history, view: this.view, rendered: last, pending });
  }

  /** In live mode, render the document as it is now. @returns {boolean} False if that must wait for a series. */
  #follow() {
    const begun = this.#renders.last !== "" || this.document.strips.length > 0; // there is something to follow
    if (!this.view.live || !begun || this.isRendered) return true;
    if (this.#renders.areSeries) return false;
    this.#renders.follow();
    return true;
  }

  /** @returns {import("./renders.js").Hear} */
  #hear() {
    return {
      sent: () => {
        if (this.isRendered) this.#live.hold();
        this.failure = "";
        this.#remember();
        this.#tell("failure", "shown");
      },
      told: () => this.#tell("shown"),
      made: (picture) => this.look({ picture }),
      failed: (says) => this.fail(says),
      unanswered: (error) => this.fail(error),
      forgotten: () => {
        this.#remember();
        this.#reload();
      },
      ended: () => {
        this.#remember();
        this.picturesChanged();
        this.#measure();
        if (!this.rendering) this.#live.release();
      },
    };
  }

  /** A new browser begins with the desk that the server keeps of whoever is logged in. */
  async #fetchKept() {
    const before = this.#history;
    const kept = await this.#keeper.kept();
    if (kept && this.#history === before) this.dispatch({ type: "lay", document: kept }, { settled: false });
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
