/**
 * What the server knows of the document: its counts, tags, problems and LoRAs, and how far these move the model's weights.
 *
 * @typedef {import("./types.js").Document} Document
 * @typedef {import("./types.js").Facts} Facts
 * @typedef {(name: string, data?: Record<string, unknown>) => Promise<any>} Ask
 */

const PAUSE = 150; // milliseconds of no gesture until the server is asked

/** @type {Facts} */
const NOTHING = { prompt: "", counts: { prompt: "", negative: "" }, tags: [], problems: [], loras: {} };

export class Known {
  facts = NOTHING;
  /** How far LoRAs move the weights at strength 1, by name; null while that is measured. @type {Record<string, {size: number, burns: number} | null>} */
  moves = {};
  #model = "";
  #asked = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #ask;
  #fail;
  #changed;

  /**
   * @param {Ask} ask Asks the server.
   * @param {(error: unknown) => void} fail
   * @param {() => void} changed Hears that something else is known.
   */
  constructor(ask, fail, changed) {
    this.#ask = ask;
    this.#fail = fail;
    this.#changed = changed;
  }

  /**
   * Ask of the document, as it is when gestures pause.
   * @param {() => Document} now @param {() => void} heard Hears that the answer has come.
   */
  ask(now, heard) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      const number = ++this.#asked;
      const document = now();
      try {
        const facts = await this.#ask("document.facts", { document });
        if (number !== this.#asked) return;
        this.facts = { ...facts, prompt: document.prompt };
        this.#changed();
        heard();
      } catch (error) {
        if (number === this.#asked) this.#fail(error);
      }
    }, PAUSE);
  }

  /**
   * Ask how far the document's LoRAs move a model's weights, of those that are not measured.
   * @param {string} model @param {boolean} idle Whether the server has time for that.
   */
  measure(model, idle) {
    if (model !== this.#model) [this.moves, this.#model] = [{}, model];
    const loras = Object.entries(this.facts.loras).filter(([name, card]) => !card.problem && !(name in this.moves));
    if (!idle || loras.length === 0) return;
    const names = loras.map(([name]) => name);
    const { moves } = this;
    for (const name of names) moves[name] = null;
    this.#ask("loras.moves", { names }).then((told) => {
      Object.assign(moves, told); // of this model, whichever is asked about by now
      this.#changed();
    }, this.#fail);
  }
}
