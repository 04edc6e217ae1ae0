/**
 * Where a browser keeps the desk.
 *
 * @typedef {import("./types.js").History} History
 * @typedef {import("./types.js").View} View
 * @typedef {{ history: History, view: View, rendered: string, pending?: import("./renders.js").Pending | null }} Kept
 *   `rendered`: what was rendered last, as text. `pending`: what was under way.
 */

import { keepValue, others, own } from "../common/kept.js";

const NAME = "lora-mixer-desk";
const STEPS = 50; // of undo that outlive a reload

export class Memory {
  /** @returns {Kept | null} */
  read() {
    const mine = whole(own(NAME));
    const last = mine ? null : whole(others(NAME));
    return mine ?? (last && { ...last, pending: null }); // what another tab renders comes to that one
  }

  /** @param {Kept} kept */
  write(kept) {
    const { history } = kept;
    const short = { ...history, past: history.past.slice(-STEPS), future: history.future.slice(0, STEPS) };
    keepValue(NAME, { ...kept, history: short });
  }
}

/** @param {Kept | null} kept @returns {Kept | null} */
function whole(kept) {
  return kept?.history?.present?.strips ? kept : null;
}
