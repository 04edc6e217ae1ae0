/** The fields of the train tab: a control with its name, its help, and what is wrong with it. */

import { say } from "../common/words.js";
import { h, write } from "../desk/dom.js";

/** The settings that matter: name, kind of box, and its step. */
export const SETTINGS = /** @type {const} */ ([
  ["steps", "number", 1],
  ["rank", "number", 1],
  ["rate", "number", "any"],
  ["batch", "number", 1],
  ["resolution", "number", 8],
  ["trigger", "text", 0],
  ["text_rate", "number", "any"],
  ["caption_dropout", "number", "any"],
  ["seed", "number", 1],
  ["flip", "checkbox", 0],
  ["shuffle", "checkbox", 0],
]);

/** @param {string} name @param {string} kind @param {string | number} [step] */
export function box(name, kind, step) {
  return h("input", { type: kind, id: `train-${name}`, ...(kind === "number" ? { step, inputmode: "decimal" } : {}) });
}

/** @param {HTMLInputElement} input @param {string} kind */
export function fieldValue(input, kind) {
  if (kind === "checkbox") return input.checked;
  if (kind === "text") return input.value.trim();
  return input.value === "" ? null : Number(input.value);
}

/** @param {string} name @param {HTMLElement} control @param {(Node | string)[]} more */
export function field(name, control, ...more) {
  const checked = control instanceof HTMLInputElement && control.type === "checkbox";
  return h(
    "div",
    { class: checked ? "train-field train-check" : "train-field" },
    h("label", { for: control.id }, say(name === "model" ? "model" : `train_${name}`)),
    control,
    ...more,
    hint(name),
  );
}

/** @param {string} name */
export function hint(name) {
  const help = name === "model" ? "" : say(`train_${name}_help`);
  return h("div", { class: "train-hint" }, h("small", {}, help), wrongOf(name));
}

/** A place for what is wrong with something. @param {string} name */
export function wrongOf(name) {
  return h("small", { class: "train-wrong", role: "alert", "data-wrong": name });
}

/**
 * Say beside each field what is wrong with it, and nothing where all is well.
 * @param {Element} root @param {Record<string, string>} wrong By the names of the fields.
 * @returns {string} What is wrong with what has no field.
 */
export function sayWrong(root, wrong) {
  const places = /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-wrong]"));
  for (const place of places) {
    const says = wrong[place.dataset.wrong ?? ""] ?? "";
    write(place, says);
    const input = place.closest(".train-field, .train-drop")?.querySelector("input:not([type=file]), select");
    if (says) input?.setAttribute("aria-invalid", "true");
    else input?.removeAttribute("aria-invalid");
  }
  [...places].find((place) => place.textContent)?.scrollIntoView({ block: "center" });
  const named = new Set([...places].map((place) => place.dataset.wrong));
  return Object.entries(wrong)
    .filter(([name]) => !named.has(name))
    .map(([, says]) => says)
    .join(" ");
}
