/** What a picture starts from: an input picture that is dropped, chosen, pasted or taken from the screen, and its settings. */

import { fill, h, write } from "../desk/dom.js";
import { icon } from "../desk/icons.js";
import { readNumber } from "../desk/numbers.js";
import { called, language, say } from "../desk/words.js";
import { addressOf, sendPicture } from "./send.js";

/**
 * @typedef {import("../desk/types.js").ControlForm} ControlForm
 * @typedef {import("./screen.js").Screen} Screen
 */

const TEXTS = "textarea, input, [contenteditable]";

/**
 * @param {import("../desk/store.js").Desk} desk @param {{ stage: HTMLElement, now: () => Screen }} given
 */
export function starting(desk, { stage }) {
  const controls = desk.first.start.map((form) => control(desk, form));
  const thumb = h("img", { alt: say("init_picture") });
  const size = h("span", { class: "small" });
  const remove = h(
    "button",
    { type: "button", id: "init-remove", class: "icon", title: say("init_remove"), "aria-label": say("init_remove") },
    icon("close"),
  );
  const held = h("div", { class: "init-held" }, thumb, size, remove);
  const chooser = h("input", { type: "file", accept: "image/*", hidden: true, "aria-label": say("init_choose") });
  const choose = h("button", { type: "button", id: "init-choose" }, say("init_choose"));
  const offer = h("p", { class: "small init-offer" }, choose, " ", say("init_hint"), chooser);
  const settings = h("div", { class: "settings init-settings" }, ...controls.map((one) => one.element));
  const element = h(
    "section",
    { id: "start", "aria-label": say("init_picture") },
    offer,
    h("div", { class: "init-row" }, held, settings),
  );

  let sending = 0;

  /** @param {Promise<Blob>} picture @returns {Promise<boolean>} Whether it is what is started from. */
  async function takeSoon(picture) {
    stage.classList.toggle("sending", ++sending > 0);
    try {
      await desk.after(picture.then(sendPicture), (sent) =>
        desk.dispatch({
          type: "start",
          values: { init: sent, mask: null },
          settings: shaped(sent, desk.document.settings),
        }),
      );
      return true;
    } catch (error) {
      desk.fail(error);
      return false;
    } finally {
      stage.classList.toggle("sending", --sending > 0);
    }
  }

  /** @param {Blob} picture */
  const take = (picture) => takeSoon(Promise.resolve(picture));
  /** @param {string} source */
  const from = (source) => takeSoon(fetch(source).then((answer) => answer.blob()));

  choose.addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    const [file] = chooser.files ?? [];
    if (file) take(file);
    chooser.value = "";
  });
  remove.addEventListener("click", () => desk.dispatch({ type: "start", values: { init: null, mask: null } }));
  stage.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    stage.classList.add("dropping");
  });
  for (const name of ["dragleave", "drop"]) stage.addEventListener(name, () => stage.classList.remove("dropping"));
  stage.addEventListener("drop", (event) => {
    const file = [...(event.dataTransfer?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    take(file);
  });
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
    if (!file || !stage.offsetParent || (event.target instanceof Element && event.target.matches(TEXTS))) return;
    event.preventDefault();
    take(file);
  });

  function draw() {
    const { init, mask } = desk.document.start ?? { init: null, mask: null };
    offer.hidden = init !== null;
    /** @type {HTMLElement} */ (element.lastElementChild).hidden = init === null;
    if (init) {
      const source = addressOf(init.id);
      if (thumb.getAttribute("src") !== source) thumb.setAttribute("src", source);
      write(size, `${init.width} × ${init.height}`);
    }
    for (const one of controls) one.draw(mask !== null);
  }
  return { element, draw, from, take };
}

/**
 * Return a width and a height of about the same area, in an input picture's proportions: else it would be squeezed.
 * @param {import("./send.js").Sent} sent @param {Record<string, import("../desk/types.js").Value>} settings
 * @returns {Record<string, number>}
 */
export function shaped(sent, settings) {
  const area = (Number(settings.width) || 512) * (Number(settings.height) || 512);
  const side = Math.sqrt(area * (sent.width / sent.height));
  const eighth = (/** @type {number} */ value) => Math.max(8, Math.round(value / 8) * 8);
  return { width: eighth(side), height: eighth(area / side) };
}

/**
 * A control of how a picture starts, from its row.
 * @param {import("../desk/store.js").Desk} desk @param {ControlForm} form
 */
function control(desk, form) {
  const label = form.label[language()];
  const box =
    form.shape === "choice"
      ? h(
          "select",
          { id: `${form.id}-box`, "aria-label": label },
          ...(form.choices ?? []).map((name) => h("option", { value: name }, called(form.chinese, name))),
        )
      : h("input", { id: `${form.id}-box`, type: "text", inputmode: "decimal", "aria-label": label });
  const slider =
    form.shape === "slider"
      ? h("input", {
          type: "range",
          min: form.low ?? 0,
          max: form.high ?? 1,
          step: form.step ?? 0.01,
          "aria-label": say("slider_of", { name: label }),
        })
      : null;
  const wrong = h("span", { class: "wrong", role: "alert" });
  const element = h(
    "div",
    { class: `setting ${slider ? "slider" : ""}`, id: form.id },
    h("label", { for: `${form.id}-box` }, label),
    slider,
    box,
    wrong,
  );
  let grip = 0;

  /** @param {import("../desk/types.js").Value} value @param {boolean} settled */
  const set = (value, settled) => {
    write(wrong, "");
    desk.dispatch({ type: "settings", values: { [form.field]: value }, gesture: `${form.field} ${grip}` }, { settled });
    if (settled) grip += 1;
  };
  slider?.addEventListener("input", () => set(Number(slider.value), false));
  slider?.addEventListener("change", () => set(Number(slider.value), true));
  box.addEventListener("change", () => {
    if (form.shape === "choice") return set(box.value, true);
    const value = readNumber(box.value);
    const [low, high] = [form.low ?? 0, form.high ?? 1];
    if (value === null || value < low || value > high || (form.whole && !Number.isInteger(value)))
      return write(wrong, say("number_wrong", { low, high }));
    set(value, true);
  });
  return {
    element,
    /** @param {boolean} masked */
    draw(masked) {
      const value = String(desk.document.settings[form.field] ?? form.plain ?? "");
      element.hidden = form.place === "mask" && !masked;
      fill(box, value);
      if (slider) fill(slider, value, true);
    },
  };
}
