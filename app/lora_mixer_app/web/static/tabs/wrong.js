/** A line beside a field that says what is wrong with it; `web/misplaced.py` fills it. */

import { h, write } from "../desk/dom.js";

/** @param {import("../desk/types.js").Handle} handle */
export function start({ element, props, watch }) {
  const line = h("p", { class: "field-wrong", role: "alert", id: `${element.closest("[id]")?.id}-line` });
  element.querySelector(".own")?.replaceChildren(line);
  const show = () => {
    const says = props.value?.says ?? "";
    write(line, says);
    const field = props.field && document.querySelector(`${props.field} :is(textarea, input)`);
    if (!field) return;
    if (says) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    field.setAttribute("aria-describedby", line.id);
  };
  watch("value", show);
  show();
}
