/** What a prompt file comes to: a sentence, and a line for each picture. The remarks go to the editor, under their lines. */

import { h } from "../desk/dom.js";
import { say } from "../common/words.js";
import { CHECKED } from "./editor.js";

const HEADS = ["head_line", "head_name", "head_prompt", "loras", "head_seed", "head_steps", "head_notes"];

/** @param {import("../desk/types.js").Handle} handle */
export function start({ element, props, watch }) {
  const root = /** @type {HTMLElement} */ (element.querySelector(".own"));
  const show = () => {
    /** @type {{ text?: string, summary?: string, rows?: string[][], remarks?: object[] }} */
    const { text = "", summary = say("prompt_file_empty"), rows = [], remarks = [] } = props.value ?? {};
    const heads = h("tr", {}, ...HEADS.map((key) => h("th", { scope: "col" }, say(key))));
    const lines = rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell))));
    const table = h(
      "table",
      { class: "read" },
      h("caption", {}, say("dry_run")),
      h("thead", {}, heads),
      h("tbody", {}, ...lines),
    );
    const frame = rows.length
      ? h("div", { class: "read-frame", tabindex: "0", role: "region", "aria-label": say("dry_run") }, table)
      : null;
    root.replaceChildren(h("p", { id: "batch-summary", role: "status" }, summary), ...(frame ? [frame] : []));
    document.dispatchEvent(new CustomEvent(CHECKED, { detail: { text, remarks } }));
  };
  watch("value", show);
  show();
}
