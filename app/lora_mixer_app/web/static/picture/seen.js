/** What was on the screen a moment ago: whoever presses a button has seen that, and not what came in the meantime. */

import { UNREAD } from "../desk/unread.js";

/** @typedef {import("./screen.js").Screen} Screen */

export class Seen {
  /** What was on the screen, and since when (ms); the newest last. @type {{ on: Screen, since: number }[]} */
  #screens = [];

  /**
   * Hear what is on the screen.
   * @param {Screen} on @param {number} at Milliseconds.
   * @param {boolean} chosen Whether somebody chose it: that is seen at once.
   */
  show(on, at, chosen) {
    const last = chosen ? undefined : this.#screens.at(-1);
    if (last && last.on.kind === on.kind && last.on.picture?.id === on.picture?.id) last.on = on;
    else if (last) {
      this.#screens.push({ on, since: at });
      this.#screens = this.#screens.filter((_, place) => this.#left(place) > at - UNREAD);
    } else this.#screens = [{ on, since: Number.NEGATIVE_INFINITY }];
  }

  /**
   * Return the picture that somebody means who presses at a time; null if it is what is on the screen.
   * @param {number} at @returns {Screen | null}
   */
  before(at) {
    const found = this.#screens.findLast(({ since }) => since <= at - UNREAD)?.on;
    const now = this.#screens.at(-1)?.on;
    return found?.picture && found.picture.id !== now?.picture?.id ? found : null;
  }

  /** When `before` may next answer otherwise; null if what is on the screen is seen by now. @param {number} at */
  next(at) {
    const screen = this.#screens.find(({ since }) => since > at - UNREAD);
    return screen ? screen.since + UNREAD : null;
  }

  /** When a screen went. @param {number} place */
  #left(place) {
    return this.#screens[place + 1]?.since ?? Number.POSITIVE_INFINITY;
  }
}
