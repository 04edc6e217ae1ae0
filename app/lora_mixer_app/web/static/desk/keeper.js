/**
 * The desk as the server keeps it of whoever is logged in.
 *
 * @typedef {import("./types.js").Document} Document
 */

const KEEPING = 1500; // milliseconds of no gesture until the server keeps the desk

export class Keeper {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** Ends when the server has kept what it was told to: an older desk never takes a newer one's place. @type {Promise<unknown>} */
  #kept = Promise.resolve();
  #ask;
  #fail;

  /** @param {import("./known.js").Ask} ask @param {(error: unknown) => void} fail */
  constructor(ask, fail) {
    this.#ask = ask;
    this.#fail = fail;
  }

  /** @returns {Promise<Partial<Document> | null>} What is kept; null if nothing is, or the server does not say. */
  kept() {
    return this.#ask("document.kept").catch(() => null);
  }

  /** Keep a document, once gestures pause. @param {Document} document */
  keep(document) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#kept = this.#kept.then(() => this.#ask("document.keep", { document })).catch(this.#fail);
    }, KEEPING);
  }
}
