/** The prompt and, folded, the negative prompt. */

import { fill, h, write } from "./dom.js";
import { say } from "./words.js";

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mountPrompts(root, desk) {
  const negative = part(desk, "negative", 2);
  const folded = h("details", { class: "negative" }, h("summary", {}, say("negative")), negative);
  folded.open = Boolean(desk.document.negative);
  root.append(part(desk, "prompt", 4), folded);
}

/** @param {import("./store.js").Desk} desk @param {"prompt" | "negative"} name @param {number} rows */
function part(desk, name, rows) {
  const box = h("textarea", {
    rows,
    spellcheck: false,
    placeholder: name === "prompt" ? say("prompt_hint") : "",
    "aria-label": say(name),
  });
  const count = h("div", { id: name === "prompt" ? "count" : "negative-count", class: "count" });
  const wrong = h("div", { class: "wrong", role: "alert" });
  let burst = 0;
  box.addEventListener("input", () =>
    desk.dispatch({ type: name, text: box.value, gesture: `${name} ${burst}` }, { typed: true }),
  );
  box.addEventListener("blur", () => (burst += 1));
  const draw = () => fill(box, desk.document[name], true);
  desk.subscribe((topics) => {
    if (topics.has("document")) draw();
    if (topics.has("facts")) {
      write(count, desk.facts.counts[name]);
      write(
        wrong,
        name === "prompt" ? (desk.facts.problems.find((problem) => problem.place === "prompt")?.says ?? "") : "",
      );
    }
  });
  draw();
  return h("div", { id: name, class: "prompt" }, box, h("div", { class: "prompt-foot" }, wrong, count));
}
