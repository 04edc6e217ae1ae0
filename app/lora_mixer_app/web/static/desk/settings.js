/** The settings, drawn from the table of controls (`desk/advanced.py`). */

import { fill, h, write } from "./dom.js";
import { readNumber, show } from "./numbers.js";
import { fitted } from "./sampler.js";
import { called, language, say } from "./words.js";

/**
 * @typedef {import("./types.js").ControlForm} ControlForm
 * @typedef {import("./types.js").Value} Value
 * @typedef {{ element: HTMLElement, draw: (value: Value) => void }} Drawn
 */

/** @type {[string, string][]} Places, and the heads they are folded under; without one they stay open. */
const PLACES = [
  ["main", ""],
  ["more", "more"],
  ["advanced", "advanced"],
  ["second", "hires_fold"],
];

/** @type {Record<string, (desk: import("./store.js").Desk, row: ControlForm) => Drawn>} Controls that do more than set a value. */
const OWN = { preset: presetBox, sampler: samplerBox };

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mountSettings(root, desk) {
  /** @type {[string, Drawn, HTMLElement][]} */
  const drawn = [];
  for (const [place, head] of PLACES) {
    const rows = desk.first.controls.filter((row) => row.place === place && row.field !== "seed");
    const box = h("div", { class: `settings ${place}` });
    if (place === "more") box.append(modelBox(desk));
    for (const row of rows) {
      const made = (OWN[row.field] ?? control)(desk, row);
      const idle = h("small", { class: "idle" }, say("not_for_model"));
      made.element.append(idle);
      drawn.push([row.field, made, idle]);
      box.append(made.element);
    }
    root.append(head ? h("details", { id: place }, h("summary", {}, say(head)), box) : box);
  }
  const draw = () => {
    const without = desk.first.idle[String(desk.document.settings.model ?? desk.first.models[0])] ?? [];
    for (const [field, made, idle] of drawn) {
      made.draw(desk.document.settings[field] ?? null);
      idle.hidden = !without.includes(field);
    }
  };
  desk.subscribe((topics) => topics.has("document") && draw());
  draw();
}

/** @param {import("./store.js").Desk} desk @param {ControlForm} row @returns {Drawn} */
function control(desk, row) {
  let grip = 0;
  /** @param {Value} value @param {boolean} [settled] */
  const set = (value, settled = true) => {
    desk.dispatch({ type: "settings", values: { [row.field]: value }, gesture: `${row.field} ${grip}` }, { settled });
    if (settled) grip += 1;
  };
  switch (row.shape) {
    case "choice":
      return choice(row, set);
    case "switch":
      return switched(row, set);
    case "text":
      return texts(row, set);
    default:
      return number(row, set);
  }
}

/** @param {ControlForm} row @param {...Node} inside */
function framed(row, ...inside) {
  return h(
    "div",
    { id: row.id, class: `setting ${row.shape}` },
    h("label", { for: `${row.id}-box` }, row.label[language()]),
    ...inside,
  );
}

/** @param {ControlForm} row @param {(value: Value) => void} set @returns {Drawn} */
function choice(row, set) {
  const first = row.first ? [h("option", { value: "" }, say("as_first"))] : [];
  const options = (row.choices ?? []).map((name) => h("option", { value: name }, called(row.chinese, name)));
  const box = h("select", { id: `${row.id}-box` }, ...first, ...options);
  box.addEventListener("change", () => set(box.value));
  const draw = (/** @type {Value} */ value) => {
    const text = String(value ?? "");
    if (![...box.options].some((option) => option.value === text))
      box.append(h("option", { value: text }, text || "–"));
    fill(box, text, true);
  };
  return { element: framed(row, box), draw };
}

/** @param {ControlForm} row @param {(value: Value) => void} set @returns {Drawn} */
function switched(row, set) {
  const box = h("input", { type: "checkbox", id: `${row.id}-box` });
  box.addEventListener("change", () => set(box.checked));
  return { element: framed(row, box), draw: (value) => (box.checked = Boolean(value)) };
}

/** @param {ControlForm} row @param {(value: Value) => void} set @returns {Drawn} */
function texts(row, set) {
  const box = h("textarea", { id: `${row.id}-box`, rows: 1 });
  box.addEventListener("change", () => set(box.value));
  return { element: framed(row, box), draw: (value) => fill(box, String(value ?? "")) };
}

/** @param {ControlForm} row @param {(value: Value, settled?: boolean) => void} set @returns {Drawn} */
function number(row, set) {
  const { low = 0, high = 0, step = 1 } = row;
  const box = h("input", { type: "text", inputmode: "decimal", id: `${row.id}-box`, autocomplete: "off" });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const slider =
    row.shape === "slider"
      ? h("input", { type: "range", min: low, max: high, step, "aria-label": row.label[language()] })
      : null;
  const good = (/** @type {number | null} */ value) =>
    value !== null && value >= low && value <= high && (!row.whole || Number.isInteger(value));
  slider?.addEventListener("input", () => set(Number(slider.value), false));
  slider?.addEventListener("change", () => set(Number(slider.value)));
  box.addEventListener("input", () => {
    const value = readNumber(box.value);
    if (good(value)) set(value, false);
  });
  box.addEventListener("change", () => {
    const value = readNumber(box.value);
    write(wrong, good(value) ? "" : say(row.whole ? "whole_wrong" : "number_wrong", { low, high }));
    if (good(value)) set(value);
  });
  const draw = (/** @type {Value} */ value) => {
    const typing = document.activeElement === box && (readNumber(box.value) === value || !good(readNumber(box.value)));
    if (!typing) {
      fill(box, typeof value === "number" ? show(value) : "", true);
      write(wrong, "");
    }
    if (slider) fill(slider, String(value ?? ""), true);
  };
  return { element: framed(row, ...(slider ? [slider] : []), box, wrong), draw };
}

/** @param {import("./store.js").Desk} desk @param {ControlForm} row @returns {Drawn} */
function presetBox(desk, row) {
  const names = Object.keys(desk.first.presets);
  const box = h(
    "select",
    { id: `${row.id}-box` },
    h("option", { value: "" }, say("no_preset")),
    ...names.map((name) => h("option", { value: name }, name)),
  );
  box.addEventListener("change", () =>
    desk.dispatch({ type: "preset", name: box.value, values: presetValues(desk, box.value) }),
  );
  return { element: framed(row, box), draw: () => fill(box, desk.document.preset?.name ?? "", true) };
}

/** @param {import("./store.js").Desk} desk @param {ControlForm} row @returns {Drawn} */
function samplerBox(desk, row) {
  return choice(row, (sampler) => lay(desk, { sampler }));
}

/** Lay settings on the desk that may bring another sampler. @param {import("./store.js").Desk} desk @param {Record<string, Value>} given */
function lay(desk, given) {
  const { values, note } = fitted(desk.first, desk.document.settings, given);
  desk.dispatch({ type: "settings", values }, { note });
}

/** @param {import("./store.js").Desk} desk @param {string} name @returns {Record<string, Value>} */
function presetValues(desk, name) {
  const values = { ...desk.first.presets[name] };
  if (values.eta === null) values.eta = desk.first.controls.find((row) => row.field === "eta")?.plain ?? -1;
  return values;
}

/** @param {import("./store.js").Desk} desk */
function modelBox(desk) {
  const { models } = desk.first;
  const box = h("select", { id: "model-box" }, ...models.map((name) => h("option", { value: name }, name)));
  /** The model that is being opened; null while none is. @type {string | null} */
  let coming = null;
  box.addEventListener("change", async () => {
    const name = box.value;
    coming = name;
    try {
      const { settings, idle } = await desk.ask("model.choose", { name });
      desk.first.idle[name] = idle;
      if (coming !== name) return; // another one was chosen meanwhile
      coming = null;
      lay(desk, settings);
    } catch (error) {
      if (coming !== name) return;
      coming = null;
      desk.fail(error);
      draw();
    }
  });
  const draw = () => fill(box, coming ?? String(desk.document.settings.model ?? models[0]), true);
  desk.subscribe((topics) => topics.has("document") && draw());
  draw();
  const element = h(
    "div",
    { id: "model", class: "setting choice" },
    h("label", { for: "model-box" }, say("model")),
    box,
  );
  element.hidden = models.length < 2;
  return element;
}
