/** The bar that always stays: Generate or Cancel, progress, how many, Live, the seed. */

import { fill, h, write } from "./dom.js";
import { icon } from "./icons.js";
import { readNumber } from "./numbers.js";
import { say } from "./words.js";

const TITLE = "LoRA Mixer";
const MOST = 100;
const MOST_SEED = 2 ** 32 - 1;

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mount(root, desk) {
  /** @type {boolean | null} Whether the button said "Cancel" when the pointer went down, where there is one: a box is left after that. */
  let said = null;
  const press = () => {
    if (said ?? desk.canCancel) desk.cancel();
    else desk.generate();
    said = null;
  };
  const go = h("button", { id: "go", class: "go", type: "button", onclick: press });
  go.addEventListener("pointerdown", () => {
    said = desk.canCancel;
  });
  const fillBar = h("div", { class: "progress-fill" });
  const progress = h(
    "div",
    { class: "progress", role: "progressbar", "aria-label": say("progress"), "aria-valuemin": 0, "aria-valuemax": 100 },
    fillBar,
  );
  const status = h("div", { id: "status", role: "status", "aria-live": "polite" });
  const live = check("live", () => desk.look({ live: live.box.checked }));
  const endless = check("endless", () => desk.look({ endless: endless.box.checked }));
  endless.label.title = say("endless_hint");
  const count = h("input", {
    type: "number",
    min: 1,
    max: MOST,
    value: desk.view.count,
    "aria-label": say("pictures_count"),
  });
  count.addEventListener("change", () =>
    desk.look({ count: Math.max(1, Math.min(MOST, Math.trunc(Number(count.value)) || 1)) }),
  );
  const seed = seedBox(desk);
  const shown = () => {
    const told = progressOf(desk);
    write(go, say(desk.canCancel ? "cancel" : "generate"));
    go.classList.toggle("busy", desk.canCancel);
    write(status, desk.failure || !desk.note ? told.text : `${desk.note} ${told.text}`);
    status.classList.toggle("failed", Boolean(desk.failure));
    fillBar.style.width = `${told.part * 100}%`;
    progress.setAttribute("aria-valuenow", String(Math.round(told.part * 100)));
    document.title = desk.rendering ? `${Math.round(told.part * 100)} % · ${TITLE}` : TITLE;
  };
  const looked = () => {
    live.box.checked = desk.view.live;
    endless.box.checked = desk.view.endless;
    fill(count, String(desk.view.count));
  };
  root.append(
    h(
      "div",
      { class: "bar-go" },
      go,
      h("label", { id: "pictures-count", class: "small", title: say("pictures_count_hint") }, "×", count),
      endless.label,
      live.label,
    ),
    h("div", { class: "bar-progress" }, progress, status),
    seed,
  );
  desk.subscribe((topics) => {
    if (topics.has("view")) looked();
    shown();
  });
  looked();
  shown();
}

/** @param {string} name @param {() => void} changed */
function check(name, changed) {
  const box = h("input", { type: "checkbox", onchange: changed });
  return { box, label: h("label", { id: name, class: "check" }, box, h("span", {}, say(name))) };
}

/** @param {import("./store.js").Desk} desk @returns {{ part: number, text: string }} */
function progressOf(desk) {
  const { newest } = desk.shown;
  if (desk.failure) return { part: 0, text: desk.failure };
  if (desk.rendering && newest?.kind !== "began" && newest?.kind !== "step") return { part: 0, text: say("beginning") };
  switch (newest?.kind) {
    case "began":
      return { part: 0, text: newest.ahead ? say("waiting", { ahead: newest.ahead }) : say("beginning") };
    case "step": {
      const { step = 0, steps = 1, left = 0 } = newest;
      return { part: step / steps, text: say("step", { step, steps, left: left.toFixed(0) }) };
    }
    case "cancelled":
      return { part: 0, text: say("cancelled") };
    case "done": {
      const seconds = (newest.seconds ?? 0).toFixed(1);
      const notes = newest.notes?.length ? ` · ${newest.notes.join(" · ")}` : "";
      return { part: 1, text: say("done", { seed: newest.picture?.seed ?? "", seconds }) + notes };
    }
    default:
      return { part: 0, text: say("empty") };
  }
}

/** @param {import("./store.js").Desk} desk @returns {HTMLElement} */
function seedBox(desk) {
  const box = h("input", { type: "text", inputmode: "numeric", autocomplete: "off", "aria-label": say("seed") });
  const wrong = h("span", { class: "wrong", role: "alert" });
  let grip = 0;
  /** @param {number} seed @param {boolean} [settled] */
  const set = (seed, settled = true) => {
    desk.dispatch({ type: "settings", values: { seed }, gesture: `seed ${grip}` }, { settled });
    if (settled) grip += 1;
  };
  const read = () => {
    const value = readNumber(box.value || "-1");
    return value !== null && Number.isInteger(value) && value >= -1 && value <= MOST_SEED ? value : null;
  };
  box.addEventListener("input", () => {
    const seed = read();
    if (seed !== null && box.value) set(seed, false);
  });
  box.addEventListener("change", () => {
    const seed = read();
    write(wrong, seed === null ? say("seed_wrong") : "");
    if (seed !== null) set(seed);
  });
  const lock = h(
    "button",
    {
      id: "seed-lock",
      type: "button",
      class: "icon",
      title: say("seed_lock"),
      "aria-label": say("seed_lock"),
      onclick: () => desk.look({ lock: !desk.view.lock }),
    },
    icon("lock"),
  );
  const draw = () => {
    if (document.activeElement === box && (read() === null || read() === desk.document.settings.seed)) return;
    fill(box, String(desk.document.settings.seed ?? -1), true);
    write(wrong, "");
  };
  const looked = () => lock.setAttribute("aria-pressed", String(desk.view.lock));
  desk.subscribe((topics) => {
    if (topics.has("document")) draw();
    if (topics.has("view")) looked();
  });
  draw();
  looked();
  return h(
    "div",
    { id: "seed", class: "seed" },
    h("span", { class: "small" }, say("seed_short")),
    box,
    h(
      "button",
      {
        id: "seed-dice",
        type: "button",
        class: "icon",
        title: say("seed_dice"),
        "aria-label": say("seed_dice"),
        onclick: () => set(-1),
      },
      icon("dice"),
    ),
    lock,
    h(
      "button",
      {
        id: "seed-reuse",
        type: "button",
        class: "icon",
        title: say("seed_reuse"),
        "aria-label": say("seed_reuse"),
        onclick: () => desk.view.picture && set(desk.view.picture.seed),
      },
      icon("reuse"),
    ),
    wrong,
  );
}
