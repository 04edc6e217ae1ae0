/**
 * Where a browser keeps the desk: each tab its own, so that a reload loses nothing; a new tab begins as the last one was.
 *
 * @typedef {import("./types.js").History} History
 * @typedef {import("./types.js").View} View
 * @typedef {{ history: History, view: View, rendered: string, pending?: import("./renders.js").Pending | null }} Kept
 *   `rendered`: what was rendered last, as text. `pending`: what was under way.
 */

const NAME = "lora-mixer-desk";
const STEPS = 50; // of undo that outlive a reload

export class Memory {
  /** @returns {Kept | null} */
  read() {
    const own = this.#from(() => sessionStorage);
    const others = own ? null : this.#from(() => localStorage);
    return own ?? (others && { ...others, pending: null }); // what another tab renders comes to that one
  }

  /** @param {Kept} kept */
  write(kept) {
    const { history } = kept;
    const short = { ...history, past: history.past.slice(-STEPS), future: history.future.slice(0, STEPS) };
    const text = JSON.stringify({ ...kept, history: short });
    for (const where of [() => sessionStorage, () => localStorage]) {
      try {
        where().setItem(NAME, text);
      } catch {
        // a full or forbidden memory: the page goes on, and a reload begins anew
      }
    }
  }

  /** @param {() => Storage} where @returns {Kept | null} */
  #from(where) {
    try {
      const kept = JSON.parse(where().getItem(NAME) ?? "null");
      return kept?.history?.present?.strips ? kept : null;
    } catch {
      return null;
    }
  }
}
