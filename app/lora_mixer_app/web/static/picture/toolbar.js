/** The toolbar over the picture: a table of what can be done, and with what kind of picture each makes sense. */

import { h } from "../desk/dom.js";
import { say } from "../desk/words.js";

/**
 * @typedef {import("./screen.js").Screen} Screen
 * @typedef {import("./screen.js").Kind} Kind
 * @typedef {(on: Screen) => unknown} Act
 */

/** @type {{ name: string, sign: string, kinds: Kind[] }[]} */
export const TOOLS = [
  { name: "download", sign: "⤓", kinds: ["picture", "half"] },
  { name: "use", sign: "↺", kinds: ["picture"] },
  { name: "init", sign: "⇥", kinds: ["picture", "half"] },
  { name: "mask", sign: "✎", kinds: ["nothing", "picture", "half"] },
  { name: "compare", sign: "◫", kinds: ["picture"] },
  { name: "open", sign: "⛶", kinds: ["picture", "half", "preview"] },
  { name: "pin", sign: "★", kinds: ["picture"] },
  { name: "delete", sign: "🗑", kinds: ["picture"] },
  { name: "dismiss", sign: "✕", kinds: ["half"] },
];
const SAYS = /** @type {Record<string, string>} */ ({ init: "use_as_init", mask: "draw_mask", compare: "compare_with", open: "enlarge" });
const IDS = /** @type {Record<string, string>} */ ({ compare: "keep" });

/**
 * @param {Record<string, Act>} acts @param {{ now: () => Screen, fail: (error: unknown) => void }} given
 */
export function toolbar(acts, { now, fail }) {
  const made = new Map(TOOLS.map((tool) => [tool.name, button(tool)]));
  const element = h("div", { class: "tools", role: "toolbar", "aria-label": say("picture") }, ...made.values());

  /** @param {typeof TOOLS[number]} tool */
  function button({ name, sign }) {
    const label = say(SAYS[name] ?? name);
    const attributes = { id: IDS[name] ?? name, class: "tool", title: label, "aria-label": label };
    if (name === "download") return h("a", { ...attributes, download: "" }, sign);
    return h("button", { ...attributes, type: "button", onclick: () => press(name) }, sign);
  }

  /** @param {string} name */
  async function press(name) {
    const on = now();
    if (!TOOLS.find((tool) => tool.name === name)?.kinds.includes(on.kind)) return;
    try {
      await acts[name](on);
    } catch (error) {
      fail(error);
    }
  }

  return {
    element,
    press,
    /** @param {Screen} on @param {{ compared: boolean, masking: boolean }} state */
    draw(on, state) {
      for (const { name, kinds } of TOOLS) /** @type {HTMLElement} */ (made.get(name)).hidden = !kinds.includes(on.kind);
      const link = /** @type {HTMLAnchorElement} */ (made.get("download"));
      link.href = on.source;
      link.download = on.picture?.name ?? "half-done.jpg";
      const pin = /** @type {HTMLElement} */ (made.get("pin"));
      pin.setAttribute("aria-pressed", String(Boolean(on.picture?.pinned)));
      pin.title = say(on.picture?.pinned ? "unpin" : "pin");
      pin.setAttribute("aria-label", pin.title);
      made.get("compare")?.setAttribute("aria-pressed", String(state.compared));
      made.get("mask")?.setAttribute("aria-pressed", String(state.masking));
    },
  };
}
