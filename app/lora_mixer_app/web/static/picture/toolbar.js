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
 * @param {Record<string, Act>} acts
 * @param {{ now: () => Screen, before: () => Screen | null, fail: (error: unknown) => void }} given What is on the screen; the
 *   picture that was there a moment ago, which whoever presses now has seen (null if that is the same); what hears of errors.
 */
export function toolbar(acts, { now, before, fail }) {
  const made = new Map(TOOLS.map((tool) => [tool.name, button(tool)]));
  const element = h("div", { class: "tools", role: "toolbar", "aria-label": say("picture") }, ...made.values());
  /** Whether a tool makes sense with what is on a screen. @param {string} name @param {Screen | null} on */
  const fits = (name, on) => Boolean(on && TOOLS.find((tool) => tool.name === name)?.kinds.includes(on.kind));

  /** @param {typeof TOOLS[number]} tool */
  function button({ name }) {
    const label = say(SAYS[name] ?? name);
    const attributes = { id: IDS[name] ?? name, class: "tool", title: label, "aria-label": label };
    if (name === "download") return h("a", { ...attributes, download: "" }, icon(name));
    return h("button", { ...attributes, type: "button", onclick: () => press(name) }, icon(name));
  }

  /** @param {string} name */
  async function press(name) {
    const on = [before(), now()].find((screen) => fits(name, screen));
    if (!on) return;
    try {
      await acts[name]?.(on);
    } catch (error) {
      fail(error);
    }
  }

  return {
    element,
    press,
    /** @param {Screen} on @param {{ compared: boolean, masking: boolean, settling: boolean }} state */
    draw(on, state) {
      const meant = before() ?? on;
      element.setAttribute("aria-busy", String(state.settling));
      for (const [name, tool] of made) {
        const waits = on.kind === "preview" && tool === document.activeElement; // for the picture that comes, with the focus
        tool.hidden = !fits(name, on) && !waits;
        if (waits) tool.setAttribute("aria-disabled", "true");
        else tool.removeAttribute("aria-disabled");
      }
      const link = /** @type {HTMLAnchorElement} */ (made.get("download"));
      link.href = meant.source;
      link.download = meant.picture?.name ?? "half-done.jpg";
      const pin = /** @type {HTMLElement} */ (made.get("pin"));
      pin.setAttribute("aria-pressed", String(Boolean(meant.picture?.pinned)));
      pin.title = say(meant.picture?.pinned ? "unpin" : "pin");
      pin.setAttribute("aria-label", pin.title);
      made.get("compare")?.setAttribute("aria-pressed", String(state.compared));
      made.get("mask")?.setAttribute("aria-pressed", String(state.masking));
    },
  };
}
