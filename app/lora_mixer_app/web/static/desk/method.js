/** How the LoRAs of the mix are blended: a method, its numbers, and what it does. */

import { fill, h, keep, write } from "./dom.js";
import { readNumber, show } from "./numbers.js";
import { language, say } from "./words.js";

/**
 * @typedef {import("./store.js").Desk} Desk
 * @typedef {import("./types.js").Method} Method
 */

/**
 * Return what a method's text says: its name, and its numbers where it gives them.
 * @param {string} text Such as `ties:density=0.3`. @returns {{ name: string, numbers: Record<string, number> }}
 */
export function readMethod(text) {
  const [name = "", said = ""] = text.trim().toLowerCase().split(":");
  const pairs = said.split(",").flatMap((part) => {
    const [key = "", value = ""] = part.split("=").map((one) => one.trim());
    const number = Number(value);
    return key && value && Number.isFinite(number) ? [/** @type {[string, number]} */ ([key, number])] : [];
  });
  return { name, numbers: Object.fromEntries(pairs) };
}

/** Return a method as text; numbers that are the method's own are left out. @param {Method} method @param {Record<string, number>} numbers */
export function methodText(method, numbers) {
  const said = method.numbers
    .filter(({ name, default: usual }) => (numbers[name] ?? usual) !== usual)
    .map(({ name }) => `${name}=${numbers[name]}`);
  return said.length ? `${method.name}:${said.join(",")}` : method.name;
}

/** @param {HTMLElement} root @param {Desk} desk */
export function mountMethod(root, desk) {
  const { methods } = desk.first;
  const row = desk.first.controls.find(({ field }) => field === "method");
  if (!row) return;
  const box = h(
    "select",
    { id: "method-box" },
    ...methods.map(({ name, title, experimental }) =>
      h("option", { value: name }, experimental ? say("experimental", { name: title[language()] }) : title[language()]),
    ),
  );
  const numbers = h("div", { class: "method-numbers" });
  const help = h("p", { class: "small", id: "method-help" });
  box.setAttribute("aria-describedby", help.id);
  const element = h(
    "div",
    { id: "method", class: "method" },
    h("label", { for: box.id, class: "small" }, row.label[language()]),
    box,
    numbers,
    help,
  );
  root.append(element);
  const said = () => readMethod(String(desk.document.settings.method ?? "sum"));
  const found = () => methods.find(({ name }) => name === said().name);
  const set = (/** @type {string} */ method) => desk.dispatch({ type: "settings", values: { method } });
  box.addEventListener("change", () => set(box.value));

  /** @param {Method["numbers"][number]} number */
  const make = ({ name, low, high, whole, meaning }) => {
    const wrong = h("span", { class: "wrong", role: "alert" });
    const input = h("input", {
      type: "text",
      inputmode: "decimal",
      class: "number",
      "aria-label": name,
    });
    input.addEventListener("change", () => {
      const value = readNumber(input.value);
      const good = value !== null && value >= low && value <= high && (!whole || Number.isInteger(value));
      write(wrong, good ? "" : say(whole ? "whole_wrong" : "number_wrong", { low, high }));
      const method = found();
      if (good && method) set(methodText(method, { ...said().numbers, [name]: value }));
    });
    return h("label", { class: "small", title: meaning[language()] }, name, " ", input, wrong);
  };
  const draw = () => {
    const method = found();
    fill(box, said().name, true);
    const does = method?.does[language()] ?? "";
    write(help, method?.experimental ? `${does} ${say("experimental_why")}` : does);
    keep(
      numbers,
      method?.numbers ?? [],
      ({ name }) => `${method?.name} ${name}`,
      make,
      (label, { name, default: usual }) =>
        fill(/** @type {HTMLInputElement} */ (label.querySelector("input")), show(said().numbers[name] ?? usual)),
    );
  };
  desk.subscribe((topics) => topics.has("document") && draw());
  draw();
}
