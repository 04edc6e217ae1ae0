/** The box that adds a LoRA: type some of its name, Enter. */

import { Choices } from "./choices.js";
import { h, write } from "./dom.js";
import { say } from "./words.js";

/** @param {import("./store.js").Desk} desk @returns {HTMLElement} */
export function addingBox(desk) {
  const box = h("input", { type: "text", placeholder: say("add"), "aria-label": say("add"), autocomplete: "off" });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const choices = new Choices(box, (name) => add(name));
  const names = async () => (await desk.completions()).loras;

  /** @param {string} name */
  const add = async (name) => {
    box.value = "";
    choices.close();
    write(wrong, "");
    try {
      await addLora(desk, name);
    } catch (error) {
      write(wrong, error instanceof Error ? error.message : String(error));
    }
  };
  const offer = async () => {
    const { turn } = choices;
    const all = await names();
    const wanted = box.value.trim().toLowerCase();
    const found = all.filter((name) => name.toLowerCase().includes(wanted));
    if (box === document.activeElement && turn === choices.turn)
      choices.open(found.map((name) => ({ text: name, value: name })));
  };
  box.addEventListener("input", offer);
  box.addEventListener("focus", offer);
  box.addEventListener("blur", () => choices.close());
  box.addEventListener("keydown", async (event) => {
    if (choices.key(event) || event.key !== "Enter" || !box.value.trim()) return;
    event.preventDefault();
    const wanted = box.value.trim().toLowerCase();
    const all = await names();
    const name =
      all.find((one) => one.toLowerCase() === wanted) ??
      all.find((one) => one.toLowerCase().startsWith(wanted)) ??
      all.find((one) => one.toLowerCase().includes(wanted));
    if (name) add(name);
    else write(wrong, say("no_lora", { name: box.value.trim() }));
  });
  return h("div", { id: "pick", class: "adding" }, box, choices.element, wrong);
}

/**
 * Add a LoRA at the strength its owner prefers; one that is there is switched on.
 * @param {import("./store.js").Desk} desk @param {string} name
 * @throws {Error} It cannot be found, or does not fit the model.
 */
async function addLora(desk, name) {
  const there = desk.document.strips.find((strip) => strip.name === name);
  if (there) return desk.dispatch({ type: "strip.set", number: there.number, values: { on: true } });
  /** @type {import("./types.js").Card} */
  const card = (await desk.ask("loras.facts", { names: [name] }))[name];
  if (card.problem) throw new Error(say("unfit", { name, reason: card.problem }));
  desk.dispatch({ type: "strip.add", strip: { name, strength: card.strength ?? 1 } });
}
