/** A table that is only read: heads in the page's language, and cells that are texts whatever stands in them. */

import { say } from "../common/words.js";
import { h } from "../desk/dom.js";

/** @param {import("../desk/types.js").Handle} handle */
export function start({ element, props, watch }) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".own"));
  const show = () => {
    /** @type {string[][]} */
    const rows = props.value?.rows ?? [];
    const heads = h("tr", {}, ...props.heads.map((/** @type {string} */ key) => h("th", { scope: "col" }, say(key))));
    const lines = rows.map((row) => h("tr", {}, ...row.map((text) => h("td", {}, text))));
    const table = h(
      "table",
      { class: "read" },
      h("caption", {}, say(props.title)),
      h("thead", {}, heads),
      h("tbody", {}, ...lines),
    );
    root.replaceChildren(
      h("div", { class: "read-frame", tabindex: "0", role: "region", "aria-label": say(props.title) }, table),
    );
    root.hidden = !rows.length;
  };
  watch("value", show);
  show();
}
