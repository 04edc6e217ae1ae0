/** Drawing masks on the picture: what of it is drawn anew, or where one LoRA acts. Every stroke is a step of undo. */

import { h } from "../desk/dom.js";
import { icon } from "../desk/icons.js";
import { say } from "../desk/words.js";
import { INPAINT, ofRegion, targets } from "./mask_targets.js";
import { Easel, Mask } from "./paint.js";
import { addressOf, sendPicture } from "./send.js";

/**
 * @typedef {import("./paint.js").Tool} Tool
 * @typedef {import("./screen.js").Screen} Screen
 * @typedef {import("./mask_targets.js").MaskRef} MaskRef
 */

const MOST_SIDE = 1536;
/** @type {Tool[]} */
const TOOLS = ["brush", "rectangle", "erase"];

/**
 * @param {import("../desk/store.js").Desk} desk
 * @param {{ frame: HTMLElement, now: () => Screen, start: { from: (source: string) => Promise<boolean> } }} given
 */
export function masking(desk, { frame, now, start }) {
  /** @type {string | null} What is masked, by its key in `mask_targets.js`; null while nothing is drawn. */
  let target = null;
  /** @type {Mask | null} */
  let mask = null;
  let held = ""; // the reference that `mask` shows
  let loading = 0;
  let aims = 0;
  /** @type {Tool} */
  let tool = "brush";
  let changed = () => {};

  const whose = h("select", { id: "mask-target", "aria-label": say("mask_of") });
  const tools = TOOLS.map((name) =>
    h(
      "button",
      {
        type: "button",
        class: "icon",
        id: `mask-${name}`,
        title: say(`mask_${name}`),
        "aria-label": say(`mask_${name}`),
        onclick: () => choose(name),
      },
      icon(name),
    ),
  );
  const size = range("mask-size", 1, 60, 12);
  const feather = range("mask-feather", 0, 30, 0);
  const invert = h(
    "button",
    { type: "button", id: "mask-invert", onclick: () => edit((now) => now.invert()) },
    say("mask_invert"),
  );
  const clear = h(
    "button",
    { type: "button", id: "mask-clear", onclick: () => edit((now) => now.clear()) },
    say("mask_clear"),
  );
  const undo = h(
    "button",
    {
      type: "button",
      class: "icon",
      id: "mask-undo",
      title: say("undo"),
      "aria-label": say("undo"),
      onclick: () => desk.undo(),
    },
    icon("undo"),
  );
  const done = h("button", { type: "button", id: "mask-done", onclick: () => toggle() }, say("mask_done"));
  const element = h(
    "div",
    { class: "masking", id: "masking", role: "toolbar", "aria-label": say("draw_mask"), hidden: true },
    whose,
    ...tools,
    size.element,
    feather.element,
    invert,
    clear,
    undo,
    done,
  );
  const easel = new Easel({
    tool: () => ({ tool, size: size.of(mask), feather: feather.of(mask) }),
    done: () => commit(),
    resize: (step) => size.move(step),
  });
  easel.element.setAttribute("aria-label", say("easel"));
  easel.element.setAttribute("role", "img");
  easel.element.hidden = true;
  frame.append(easel.element);
  whose.addEventListener("change", () => aim(whose.value));

  /** @param {Tool} name */
  function choose(name) {
    tool = name;
    for (const [place, button] of tools.entries()) button.setAttribute("aria-pressed", String(TOOLS[place] === name));
  }

  function aimed() {
    return targets(desk).find((one) => one.key === target);
  }

  async function toggle() {
    if (target !== null) return aim(null);
    const [first] = desk.document.strips;
    await aim(!desk.document.start?.init && first ? String(first.number) : INPAINT);
    easel.element.focus();
  }

  /** @param {string | null} next */
  async function aim(next) {
    const mine = ++aims;
    if (next === INPAINT && !desk.document.start?.init) {
      const { source } = now();
      if (!source) desk.fail(say("mask_needs"));
      if (!source || !(await start.from(source))) return draw();
      if (mine !== aims) return; // another one was chosen meanwhile
    }
    target = next;
    held = "";
    draw();
    changed();
  }

  /** Follow the document: strips come and go, undo brings an older mask back. */
  function draw() {
    const rows = targets(desk).map(({ key, label }) => [key, label]);
    if (!rows.some(([key]) => key === target)) target = null;
    if (target === INPAINT && !desk.document.start?.init && !now().source) target = null;
    element.hidden = easel.element.hidden = target === null;
    if (whose.dataset.rows !== JSON.stringify(rows)) {
      whose.dataset.rows = JSON.stringify(rows);
      whose.replaceChildren(...rows.map(([value, label]) => h("option", { value }, label)));
    }
    if (target === null) return;
    whose.value = target;
    undo.disabled = !desk.canUndo;
    const wanted = JSON.stringify([target, aimed()?.said, dimensions()]);
    if (wanted !== held) load(wanted);
  }

  /** @returns {{ width: number, height: number }} */
  function dimensions() {
    const { init } = desk.document.start ?? {};
    const settings = desk.document.settings;
    const { width, height } =
      target === INPAINT && init
        ? init
        : { width: Number(settings.width) || 512, height: Number(settings.height) || 512 };
    const scale = Math.min(1, MOST_SIDE / Math.max(width, height));
    return { width: Math.round(width * scale), height: Math.round(height * scale) };
  }

  /** @param {string} wanted */
  async function load(wanted) {
    const mine = ++loading;
    held = wanted;
    const { width, height } = dimensions();
    const fresh = new Mask(width, height);
    const ref = aimed()?.said;
    if (Array.isArray(ref)) {
      const [left, top, right, bottom] = ref;
      fresh.put({
        tool: "rectangle",
        size: 1,
        feather: 0,
        points: [
          { x: left * width, y: top * height },
          { x: right * width, y: bottom * height },
        ],
      });
    } else if (ref) {
      const picture = new Image();
      picture.src = addressOf(ref.id);
      try {
        await picture.decode();
        fresh.take(picture);
      } catch {
        if (mine === loading) desk.fail(say("mask_gone"));
      }
    }
    if (mine !== loading) return;
    mask = fresh;
    easel.hold(mask);
    changed();
  }

  /** @param {(mask: Mask) => void} how */
  function edit(how) {
    if (!mask) return;
    how(mask);
    easel.paint();
    commit();
  }

  /** Tell the document of what was painted: a stroke after the other, in whatever order they arrive. */
  function commit() {
    if (!mask || target === null) return;
    const [whom, painted] = [target, mask];
    const cleared = painted.empty ? (aimed()?.cleared ?? null) : null;
    const sent = cleared ? Promise.resolve(null) : painted.png().then(sendPicture);
    desk
      .after(sent, (told) => {
        const goal = targets(desk).find((one) => one.key === whom);
        if (!goal) return; // it is gone
        const ref = told && { id: told.id };
        const change = ref ? goal.drawn(ref) : cleared?.();
        if (!change) return;
        if (target === whom && mask === painted) held = JSON.stringify([target, ref, dimensions()]);
        desk.dispatch(change);
      })
      .catch((error) => desk.fail(error));
  }

  for (const [event, key] of /** @type {const} */ ([
    ["desk:mask", String],
    ["desk:mask-region", ofRegion],
  ]))
    document.addEventListener(event, (told) => {
      const { number } = /** @type {CustomEvent} */ (told).detail;
      aim(key(number)).then(() => easel.element.focus());
    });
  choose("brush");
  return {
    element,
    toggle,
    draw,
    get open() {
      return target !== null;
    },
    /** What is painted over, where that is not what is on the screen. @returns {string | null} */
    backdrop: () => (target === INPAINT && desk.document.start?.init ? addressOf(desk.document.start.init.id) : null),
    /** @returns {{ width: number, height: number } | null} */
    size: () => (mask && target !== null ? { width: mask.canvas.width, height: mask.canvas.height } : null),
    /** @param {() => void} listener */
    onChange: (listener) => (changed = listener),
  };
}

/**
 * A slider in per cent of the mask's shorter side.
 * @param {string} id @param {number} low @param {number} high @param {number} value
 */
function range(id, low, high, value) {
  const label = say(id.replace("-", "_"));
  const slider = h("input", { type: "range", min: low, max: high, step: 1, "aria-label": label });
  slider.value = String(value);
  return {
    element: h("label", { id, class: "mask-range" }, label, slider),
    /** @param {Mask | null} mask */
    of: (mask) => (mask ? (Number(slider.value) / 100) * Math.min(mask.canvas.width, mask.canvas.height) : 0),
    /** @param {number} step */
    move: (step) => {
      slider.value = String(Number(slider.value) + step);
    },
  };
}
