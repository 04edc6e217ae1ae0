/**
 * The way to the server: whole documents under running numbers one way, answers the other, and questions with an answer
 * each (`desk/functions.py`).
 *
 * One document at a time is on its way: what changes before the server has said that it began goes with the next. So two
 * requests never start at the same moment, however fast somebody is.
 *
 * @typedef {import("./types.js").Answer} Answer
 * @typedef {import("./types.js").Document} Document
 * @typedef {import("./types.js").Handle} Handle
 * @typedef {{ document: Document, noise: number | null, offset: number }} Wish
 */

import { say } from "./words.js";

const REST = 150; // milliseconds without a change until the document is published
const PRESSED = ["Enter", " "]; // keys that may ask for something which reads it
const PATIENCE = 30_000; // milliseconds until a document that nobody answers is sent again

export class ServerError extends Error {}

export class Wire {
  /** @type {Wish | null} */
  #next = null;
  /** @type {Document | null} */
  #unpublished = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #publishing;
  /** @type {number | null} */
  #unheard = null;
  #number = 0;
  /** How often the server was told to stop, and has not answered that. */
  #stopping = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Whether somebody is logged in here. */
  hasLogin = false;
  /** @type {(session: string) => void} */
  #greeted = () => {};
  /** @type {Promise<string>} */
  #session = new Promise((resolve) => (this.#greeted = resolve));
  #page;
  #answers;

  /**
   * @param {Handle} page Whose value is the document, and who sends.
   * @param {Handle} answers Whose value is what the server says.
   */
  constructor(page, answers) {
    this.#page = page;
    this.#answers = answers;
    const pressed = (/** @type {Event} */ event) =>
      (!(event instanceof KeyboardEvent) || PRESSED.includes(event.key)) && this.#publish();
    for (const kind of ["pointerdown", "click", "keydown", "drop"]) document.addEventListener(kind, pressed, true);
  }

  /**
   * Hear what the server says, and what it has said already.
   * @param {(answer: Answer) => void} onAnswer
   */
  listen(onAnswer) {
    const hear = () => {
      const told = this.#answers.props.value ?? {};
      if (told.kind === "hello") {
        this.hasLogin = told.login;
        this.#greeted(told.session);
      } else if (told.kind) {
        this.#heard(told);
        onAnswer(told);
      }
    };
    this.#answers.watch("value", hear);
    hear();
  }

  /** Ends when the server has said under which name it knows this tab: nothing can be rendered before. */
  get greeted() {
    return this.#session;
  }

  /** The number of the last document that was sent. */
  get number() {
    return this.#number;
  }

  /** Whether a document is on its way, or is to be, that the server has not begun. */
  get isWaiting() {
    return this.#unheard !== null || this.#next !== null;
  }

  /**
   * Let other parts of the page know the document, as the value of our component: before anything is pressed, or soon.
   * Gradio compiles the component's template anew for each value, which takes longer than a frame while a knob is turned.
   * @param {Document} document
   */
  publish(document) {
    this.#unpublished = document;
    clearTimeout(this.#publishing);
    this.#publishing = setTimeout(() => this.#publish(), REST);
  }

  #publish() {
    if (!this.#unpublished) return;
    this.#page.props.value = this.#unpublished;
    this.#unpublished = null;
  }

  /**
   * Send a document to be rendered. What was to be sent before, and was not, is not sent any more.
   * @param {Wish} wish
   */
  send(wish) {
    this.#next = wish;
    this.#go();
  }

  /** Let the server stop what it renders; what is sent after that waits for its answer, or would be stopped too. */
  async stop() {
    this.#stopping += 1;
    try {
      await this.ask("cancel");
    } finally {
      this.#stopping -= 1;
      this.#go();
    }
  }

  /** Forget what was to be sent. */
  drop() {
    this.#next = null;
  }

  /**
   * Ask the server something.
   * @param {string} name A row of `desk/functions.py`.
   * @param {Record<string, unknown>} [data]
   * @returns {Promise<any>}
   * @throws {ServerError} What the server has against it, in a sentence.
   */
  async ask(name, data = {}) {
    const session = await this.#session;
    const told = await this.#page.server.ask?.({ session, name, data });
    if (!told) throw new ServerError(say("no_answer"));
    if (told.error) throw new ServerError(told.error);
    return told.answer;
  }

  /**
   * Upload a file.
   * @param {File} file @returns {Promise<{path: string, url: string}>}
   */
  upload(file) {
    return this.#page.upload(file);
  }

  #go() {
    if (!this.#next || this.#unheard !== null || this.#stopping) return;
    const wish = this.#next;
    this.#next = null;
    this.#number += 1;
    this.#unheard = this.#number;
    this.#timer = setTimeout(() => {
      this.#unheard = null;
      this.#next ??= wish;
      this.#go();
    }, PATIENCE);
    this.#page.trigger("submit", { number: this.#number, ...wish });
  }

  /** @param {Answer} answer */
  #heard(answer) {
    if (this.#unheard === null || answer.number < this.#unheard) return;
    clearTimeout(this.#timer);
    this.#unheard = null;
    this.#go();
  }
}
