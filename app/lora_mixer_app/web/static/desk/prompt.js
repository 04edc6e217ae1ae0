/** The prompt and, folded, the negative prompt: completion at the caret, weights by Ctrl+Up and Ctrl+Down. */

import { Choices } from "./choices.js";
import { offerAt } from "./complete.js";
import { fill, h, write } from "./dom.js";
import { weigh } from "./weights.js";
import { say } from "./words.js";

/**
 * @typedef {import("./store.js").Desk} Desk
 * @typedef {"prompt" | "negative"} Part
 */

/** @param {HTMLElement} root @param {Desk} desk */
export function mountPrompts(root, desk) {
  const folded = h("details", { class: "negative" }, h("summary", {}, say("negative")), part(desk, "negative", 2));
  root.append(part(desk, "prompt", 4), folded);
}

/** @param {Desk} desk @param {Part} name @param {number} rows */
function part(desk, name, rows) {
  const placeholder = name === "prompt" ? say("prompt_hint") : "";
  const box = h("textarea", { rows, spellcheck: false, placeholder, "aria-label": say(name) });
  const count = h("div", { id: name === "prompt" ? "count" : "negative-count", class: "count" });
  const wrong = h("div", { class: "wrong", role: "alert" });
  let burst = 0;
  const changed = () => desk.dispatch({ type: name, text: box.value, gesture: `${name} ${burst}` }, { typed: true });
  const completion = completing(desk, box, changed);
  box.addEventListener("input", changed);
  box.addEventListener("blur", () => {
    burst += 1;
    desk.settle();
  });
  box.addEventListener("keydown", (event) => {
    if (completion.key(event) || !(event.ctrlKey || event.metaKey)) return;
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    event.preventDefault();
    const edit = weigh(box.value, box.selectionStart, box.selectionEnd, event.key === "ArrowUp" ? 1 : -1);
    if (!edit) return;
    box.value = edit.text;
    box.setSelectionRange(edit.start, edit.end);
    changed();
  });
  const draw = () => fill(box, desk.document[name], true);
  desk.subscribe((topics) => {
    if (topics.has("document")) draw();
    if (!topics.has("facts")) return;
    write(count, desk.facts.counts[name]);
    write(wrong, desk.facts.problems.find((problem) => problem.place === name)?.says ?? "");
  });
  draw();
  return h(
    "div",
    { id: name, class: "prompt" },
    box,
    completion.element,
    h("div", { class: "prompt-foot" }, wrong, count),
  );
}

/** @param {Desk} desk @param {HTMLTextAreaElement} box @param {() => void} changed */
function completing(desk, box, changed) {
  let start = 0;
  const take = (/** @type {string} */ value) => {
    const rest = box.value.slice(box.selectionEnd);
    const caret = start + value.length;
    box.value = box.value.slice(0, start) + value + rest;
    box.setSelectionRange(caret, caret);
    changed();
  };
  const choices = new Choices(box, take);
  const hints = { lora: "LoRA", embedding: say("embedding"), wildcard: say("wildcard"), word: say("trained_word") };
  const offer = async () => {
    const { turn } = choices;
    const known = await desk.completions();
    if (turn !== choices.turn) return;
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
