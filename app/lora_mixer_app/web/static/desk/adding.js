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

  /** Empty the box at once: what is typed from now on is another name. @returns {string} What was in it. */
  const emptied = () => {
    const typed = box.value.trim();
    box.value = "";
    choices.close();
    write(wrong, "");
    return typed;
  };
  /** @param {unknown} error */
  const fail = (error) => write(wrong, error instanceof Error ? error.message : String(error));
  /** @param {string} name */
  const add = (name) => {
    emptied();
    addLora(desk, name).catch(fail);
  };
  const offer = async () => {
    const { turn } = choices;
    const all = await names();
    const wanted = box.value.trim().toLowerCase();
    const found = all.filter((name) => name.toLowerCase().includes(wanted));
    if (box === document.activeElement && turn === choices.turn)
      choices.open(found.map((name) => ({ text: name, value: name })));
  };
  box.addEventListener("input", () => write(wrong, ""));
  for (const event of ["input", "focus"]) box.addEventListener(event, () => offer().catch(fail));
  box.addEventListener("blur", () => choices.close());
  box.addEventListener("keydown", async (event) => {
    if (choices.key(event) || event.key !== "Enter" || !box.value.trim()) return;
    event.preventDefault();
    const typed = emptied();
    try {
      const name = meant(await names(), typed.toLowerCase());
      if (name) return await addLora(desk, name);
      if (!box.value) box.value = typed; // to be mended
      write(wrong, say("no_lora", { name: typed }));
    } catch (error) {
      fail(error);
    }
  });
  return h("div", { id: "pick", class: "adding" }, box, choices.element, wrong);
}

/** The name that is meant by some of it. @param {string[]} all @param {string} wanted In small letters. */
function meant(all, wanted) {
  return (
    all.find((one) => one.toLowerCase() === wanted) ??
    all.find((one) => one.toLowerCase().startsWith(wanted)) ??
    all.find((one) => one.toLowerCase().includes(wanted))
  );
}

/**
 * Add a LoRA at the strength its owner prefers; one that is there is switched on.
 * @param {import("./store.js").Desk} desk @param {string} name
 * @throws {Error} It cannot be found, or does not fit the model.
 */
function addLora(desk, name) {
  return desk.after(desk.ask("loras.facts", { names: [name] }), ({ [name]: card }) => {
    const there = desk.document.strips.find((strip) => strip.name === name);
    if (there) return desk.dispatch({ type: "strip.set", number: there.number, values: { on: true } });
    if (card.problem) throw new Error(say("unfit", { name, reason: card.problem }));
    desk.dispatch({ type: "strip.add", strip: { name, strength: card.strength ?? 1 } });
  });
}
