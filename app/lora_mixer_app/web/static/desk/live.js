/** Live mode's pace: a gesture is followed at once when it is settled, letters when the typing pauses. */

const TYPED = 700; // milliseconds of no letter until what was typed is settled

export class Live {
  #typing = false;
  /** Whether what is settled waits until it may be followed. */
  #isDue = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #follow;

  /** @param {() => boolean} follow Hears that something is settled; returns whether that may be followed now. */
  constructor(follow) {
    this.#follow = follow;
  }

  /**
   * A gesture was made.
   * @param {{ settled: boolean, typed: boolean }} how `settled`: no knob is held. `typed`: more letters may come.
   */
  moved({ settled, typed }) {
    this.hold();
    this.#typing = settled && typed;
    if (this.#typing) this.#timer = setTimeout(() => this.#settled(), TYPED);
    else if (settled) this.#settled();
  }

  /** What was typed is settled: no pause is waited for. */
  settle() {
    if (this.#typing) this.#settled();
  }

  /** Wait for no pause any more: another gesture is under way, or what was done is rendered already or cancelled. */
  hold() {
    clearTimeout(this.#timer);
    this.#isDue = false;
  }

  /** What is settled may be followed again. */
  release() {
    if (this.#isDue) this.#settled();
  }

  #settled() {
    this.#typing = false;
    this.hold();
    this.#isDue = !this.#follow();
  }
}
