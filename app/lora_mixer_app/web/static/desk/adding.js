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
      await desk.addLora(name);
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
