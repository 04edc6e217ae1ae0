/** The prompt and, folded, the negative prompt, each with its count of tokens and with what is wrong. */

import { fill, h, write } from "./dom.js";
import { withHelp } from "./prompt_help.js";
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
  const older = h("div", { class: "hint", role: "status" });
  let burst = 0;
  const changed = () => {
    if (desk.isRendered) burst += 1; // undo brings back whatever was rendered
    desk.dispatch({ type: name, text: box.value, gesture: `${name} ${burst}` }, { typed: true });
  };
  const completion = withHelp(desk, box, changed);
  box.addEventListener("input", changed);
  box.addEventListener("blur", () => {
    burst += 1;
    desk.settle();
  });
  const draw = () => fill(box, desk.document[name], true);
  const told = () => {
    const known = desk.facts.problems.find((problem) => problem.place === name)?.says ?? "";
    write(wrong, known || (name === "prompt" ? desk.refusal : ""));
    write(older, name === "prompt" ? without(desk) : "");
  };
  desk.subscribe((topics) => {
    if (topics.has("document")) draw();
    if (topics.has("facts")) write(count, desk.facts.counts[name]);
    told();
  });
  draw();
  return h(
    "div",
    { id: name, class: "prompt" },
    box,
    completion,
    h("div", { class: "prompt-foot" }, wrong, count),
    older,
  );
}

/** What pictures under way are made of, where that is not what stands here. @param {Desk} desk */
function without(desk) {
  if (desk.isSeriesOlder) return say("series_older");
  return desk.refusal ? say("goes_on") : "";
}
