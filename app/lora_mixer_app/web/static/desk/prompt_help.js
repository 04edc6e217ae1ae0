/** What helps whoever writes a prompt, in every box for one: completion at the caret, weights by Ctrl+Up and Ctrl+Down. */

import { Choices } from "./choices.js";
import { offerAt } from "./complete.js";
import { typeInto } from "./dom.js";
import { say } from "./words.js";
import { weigh } from "./weights.js";

/** @typedef {import("./store.js").Desk} Desk */

/**
 * Help in a box.
 * @param {Desk} desk @param {HTMLTextAreaElement} box
 * @param {() => void} changed Hears that the box's text was changed here.
 * @returns {HTMLElement} The list of completions, to be put behind the box.
 */
export function withHelp(desk, box, changed) {
  const completion = completing(desk, box, changed);
  box.addEventListener("keydown", (event) => {
    if (completion.key(event) || !(event.ctrlKey || event.metaKey)) return;
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const edit = weigh(box.value, box.selectionStart, box.selectionEnd, event.key === "ArrowUp" ? 1 : -1);
    if (!edit) return;
    typeInto(box, edit.text);
    completion.close();
    box.setSelectionRange(edit.start, edit.end);
    changed();
  });
  return completion.element;
}

/** @param {Desk} desk @param {HTMLTextAreaElement} box @param {() => void} changed @returns {Choices} */
function completing(desk, box, changed) {
  let start = 0;
  const take = (/** @type {string} */ value) => {
    const rest = box.value.slice(box.selectionEnd);
    const caret = start + value.length;
    typeInto(box, box.value.slice(0, start) + value + rest);
    choices.close();
    box.setSelectionRange(caret, caret);
    changed();
  };
  const choices = new Choices(box, take);
  const hints = { lora: "LoRA", embedding: say("embedding"), wildcard: say("wildcard"), word: say("trained_word") };
  /** What was known when it was asked last. @type {Omit<import("./complete.js").Names, "words"> | null} */
  let known = null;
  const offer = async () => {
    if (known) show(known); // at once: what is offered is always of the text that is there
    const { turn } = choices;
    known = await desk.completions();
    if (turn === choices.turn) show(known);
  };
  /** @param {Omit<import("./complete.js").Names, "words">} known */
  const show = (known) => {
    if (document.activeElement !== box || box.selectionStart !== box.selectionEnd) return choices.close();
    const words = Object.values(desk.facts.loras).flatMap((card) => card.words);
    const found = offerAt(box.value, box.selectionStart, { ...known, words }, hints);
    if (!found) return choices.close();
    start = found.start;
    choices.open(found.choices, 0);
  };
  box.addEventListener("input", () => offer().catch((error) => desk.fail(error)));
  box.addEventListener("blur", () => choices.close());
  box.addEventListener("click", () => choices.close());
  return choices;
}
