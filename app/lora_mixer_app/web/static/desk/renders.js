/**
 * What this page has rendered and is rendering: documents go out one after the other, and what is known of their pictures
 * comes back.
 *
 * @typedef {import("./types.js").Answer} Answer
 * @typedef {import("./types.js").Document} Document
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {import("./types.js").Shown} Shown
 * @typedef {import("./types.js").View} View
 *
 * @typedef {{ document: Document, offset: number, noise: number | null }} Sent
 *   `offset`: how far its seed is from the document's. `noise`: the picture whose noise it has where its seed is left to chance.
 * @typedef {{ sent: Sent, left: number, isAsked: boolean, again: number }} Pending
 *   What is under way, how many pictures are to come, and how often it was begun anew because the server had lost it.
 *
 * @typedef {object} Hear Who hears of it.
 * @property {() => void} sent A document was sent.
 * @property {() => void} told Something else is known.
 * @property {(picture: Picture) => void} made A picture is done, the newest there is.
 * @property {(says: string) => void} failed The newest render failed.
 * @property {() => void} ended A render is over, whatever became of it.
 * @property {(error: unknown) => void} unanswered The server does not say how far it is.
 * @property {() => void} forgotten The server was started anew, and knows nothing of this page.
 */

import { NOTHING, heard, underWay } from "./answers.js";
import { same } from "./reducer.js";
import { say } from "./words.js";

const SILENCE = 5000; // milliseconds without news of a render until the server is asked for them
const MOST_TRIES = 2; // of one picture: what loses it each time may be the picture itself

export class Renders {
  /** @type {Shown} */
  shown = NOTHING;
  /** The document that was sent last, as text; empty before the first. */
  last;
  /** Whether somebody asked for what is under way; what Live follows nobody did. */
  #isAsked = false;
  /** Pictures of this Generate that are still to come. */
  #left = 0;
  /** Whether these are of the document that Generate was pressed for, and of no later one. */
  #isSeries = false;
  /** @type {Sent | null} What was sent last. */
  #sent = null;
  /** @type {Sent | null} What the newest picture since Generate was pressed was made of. */
  #made = null;
  /** @type {{ document: Document, says: string } | null} What could not be rendered, so that others go on without it. */
  #refused = null;
  #cancelled = 0;
  /** How often what was sent last was begun anew. */
  #again = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #silence;
  #wire;
  #now;
  #hear;

  /**
   * @param {import("./wire.js").Wire} wire
   * @param {() => { document: Document, view: View }} now What would be rendered, and how.
   * @param {Hear} hear
   * @param {string} last What was sent last, before the page was loaded anew.
   */
  constructor(wire, now, hear, last) {
    this.#wire = wire;
    this.#now = now;
    this.#hear = hear;
    this.last = last;
  }

  get areUnderWay() {
    return underWay(this.shown) || this.#wire.isWaiting;
  }

  /** Whether what is under way was asked for, or goes on until it is cancelled. */
  get areAsked() {
    return this.areUnderWay && (this.#isAsked || this.#now().view.endless);
  }

  /** Whether pictures are under way that Generate was pressed for together: edits are none of theirs. */
  get areSeries() {
    return this.areUnderWay && this.#isSeries && !this.#now().view.endless;
  }

  /** Why the document as it is now is left out of what goes on without it; empty when it is not. */
  get refusal() {
    return this.areUnderWay && this.#refused?.document === this.#now().document ? this.#refused.says : "";
  }

  /** Whether what was sent last is the document as it is now. */
  get isLast() {
    return JSON.stringify(this.#now().document) === this.last;
  }

  /** What is under way, so that it can be begun anew when the page is; null if nothing is, or it was cancelled. @returns {Pending | null} */
  get pending() {
    if (!this.areUnderWay || !this.#sent || this.#cancelled === this.#wire.number) return null;
    return { sent: this.#sent, left: this.#left, isAsked: this.#isAsked, again: this.#again };
  }

  /** Begin anew what was under way when the page was left, unless something is by now. @param {Pending} pending */
  resume({ sent, left, isAsked, again }) {
    if (this.areUnderWay || this.#sent) return;
    this.#left = left;
    this.#isSeries = left > 1;
    this.#isAsked = isAsked;
    this.#again = again;
    if (again < MOST_TRIES) this.#send(sent);
    else this.#hear.failed(say("render_lost"));
  }

  /** Render as many pictures as the view says. */
  generate() {
    const { view } = this.#now();
    this.#isAsked = true;
    this.#made = null;
    this.#begin(view.count, view.lock);
  }

  /** Render one picture, from the noise of the one that is looked at. */
  follow() {
    if (!this.areUnderWay) this.#made = null;
    this.#isAsked = false;
    this.#begin(1, true);
  }

  /** Stop what is rendered, and what was to be. @returns {Promise<void>} Fails if the server does not hear of it. */
  cancel() {
    this.#left = 0;
    this.#wire.drop();
    this.#cancelled = this.#wire.number;
    return this.#wire.stop();
  }

  /** Take in what the server says. @param {Answer} answer */
  take(answer) {
    const before = this.shown;
    this.shown = heard(before, answer);
    this.#listen();
    if (same(this.shown, before)) return;
    // before anything else is drawn: between the preview and its picture the one before them is on no screen
    if (this.shown.done !== before.done && this.shown.done?.picture) this.#hear.made(this.shown.done.picture);
    this.#hear.told();
    const tooEarly = answer.kind === "began" && answer.number <= this.#cancelled;
    if (tooEarly && answer.number === this.#wire.number) this.#wire.stop().catch(() => {}); // a newer one ends it by itself
    if (answer.kind === "began" || answer.kind === "step") return;
    if (this.shown.newest === answer) this.#goOn(answer);
    this.#hear.ended();
  }

  /** @param {Answer} answer */
  #goOn(answer) {
    if (answer.number !== this.#wire.number) return; // of what was rendered before
    const { document, view } = this.#now();
    const says = answer.says ?? "";
    if (answer.kind === "done") {
      this.#left -= 1;
      this.#made = this.#sent;
    } else if (this.#canGoOnWithout(answer)) {
      this.#refused = { document: /** @type {Sent} */ (this.#sent).document, says };
    } else {
      this.#left = 0;
      if (answer.kind === "error") this.#hear.failed(says);
      return;
    }
    if (!this.#made || !(this.#left > 0 || view.endless)) return;
    const followed = view.endless && document !== this.#refused?.document;
    this.#sendNew(followed ? document : this.#made.document, this.#made.offset + 1, view.lock);
  }

  /** Whether a document that was edited while others of it are rendered without end is what fails, and not the rendering. @param {Answer} answer */
  #canGoOnWithout(answer) {
    const isEdited = this.#made !== null && this.#made.document !== this.#sent?.document;
    return answer.kind === "error" && this.#now().view.endless && isEdited;
  }

  /** @param {number} count @param {boolean} sameNoise */
  #begin(count, sameNoise) {
    this.#left = count;
    this.#isSeries = count > 1;
    this.#refused = null;
    this.#sendNew(this.#now().document, 0, sameNoise);
  }

  /** @param {Document} document @param {number} offset @param {boolean} sameNoise */
  #sendNew(document, offset, sameNoise) {
    const { view } = this.#now();
    this.#again = 0;
    this.#send({ document, offset, noise: sameNoise ? (view.picture?.id ?? null) : null });
  }

  /** @param {Sent} sent */
  #send(sent) {
    this.last = JSON.stringify(sent.document);
    this.#sent = sent;
    this.#wire.send(sent);
    this.#hear.sent();
  }

  /** Whether the server has begun what was sent last, and is not done. */
  get #isBegun() {
    return underWay(this.shown) && this.shown.newest?.number === this.#wire.number;
  }

  /** Wait for news of what is under way. */
  #listen() {
    clearTimeout(this.#silence);
    if (this.#isBegun) this.#silence = setTimeout(() => this.#askForNews(), SILENCE);
  }

  /** Ask what the server said last: its answers may be lost, with the line to it or with the server that rendered. */
  async #askForNews() {
    const { number } = this.#wire;
    try {
      const told = await this.#wire.ask("render.newest");
      if (number === this.#wire.number && this.#isBegun) this.#takeNews(told, number);
    } catch (error) {
      this.#hear.unanswered(error);
    }
    this.#listen();
  }

  /** @param {Answer | null} told What the server said last; null if it knows nothing of this page. @param {number} number What is under way. */
  #takeNews(told, number) {
    const isCancelled = number <= this.#cancelled;
    if (!told) {
      this.#again += 1;
      this.#hear.forgotten();
    } else if (told.number === number && (told.kind !== "cancelled" || isCancelled)) this.take(told);
    else if (isCancelled) this.take({ number, kind: "cancelled" });
    else if (this.#again + 1 < MOST_TRIES) {
      this.#again += 1;
      this.#send(/** @type {Sent} */ (this.#sent));
    } else this.take({ number, kind: "error", says: say("render_lost") });
  }
}
