/** The toolbar over the picture: a table of what can be done, and with what kind of picture each makes sense. */

import { h } from "../desk/dom.js";
import { icon } from "../desk/icons.js";
import { say } from "../desk/words.js";

/**
 * @typedef {import("./screen.js").Screen} Screen
 * @typedef {import("./screen.js").Kind} Kind
 * @typedef {(on: Screen) => unknown} Act
 */

/** @type {{ name: string, kinds: Kind[] }[]} */
export const TOOLS = [
  { name: "download", kinds: ["picture", "half"] },
  { name: "use", kinds: ["picture"] },
  { name: "init", kinds: ["picture", "half"] },
  { name: "mask", kinds: ["nothing", "picture", "half"] },
  { name: "compare", kinds: ["picture"] },
  { name: "open", kinds: ["picture", "half", "preview"] },
  { name: "pin", kinds: ["picture"] },
  { name: "delete", kinds: ["picture"] },
  { name: "dismiss", kinds: ["half"] },
];
const SAYS = /** @type {Record<string, string>} */ ({
  init: "use_as_init",
  mask: "draw_mask",
  compare: "compare_with",
  open: "enlarge",
});
const IDS = /** @type {Record<string, string>} */ ({ compare: "keep" });

/**
 * @param {Record<string, Act>} acts @param {{ now: () => Screen, fail: (error: unknown) => void }} given
 */
export function toolbar(acts, { now, fail }) {
  const made = new Map(TOOLS.map((tool) => [tool.name, button(tool)]));
  const element = h("div", { class: "tools", role: "toolbar", "aria-label": say("picture") }, ...made.values());

  /** @param {typeof TOOLS[number]} tool */
  function button({ name }) {
    const label = say(SAYS[name] ?? name);
    const attributes = { id: IDS[name] ?? name, class: "tool", title: label, "aria-label": label };
    if (name === "download") return h("a", { ...attributes, download: "" }, icon(name));
    return h("button", { ...attributes, type: "button", onclick: () => press(name) }, icon(name));
  }

  /** @param {string} name */
  async function press(name) {
    const on = now();
    if (!TOOLS.find((tool) => tool.name === name)?.kinds.includes(on.kind)) return;
    try {
      await acts[name]?.(on);
    } catch (error) {
      fail(error);
    }
  }

  return {
    element,
    press,
    /** @param {Screen} on @param {{ compared: boolean, masking: boolean }} state */
    draw(on, state) {
      for (const { name, kinds } of TOOLS) {
        const tool = made.get(name);
        if (tool) tool.hidden = !kinds.includes(on.kind);
      }
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
