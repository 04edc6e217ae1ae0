/**
 * The prompt file's editor: a text with the number of every line, and under a line what is wrong with it.
 *
 * Behind the box lies a copy of its text with the remarks between the lines; while there are any, the lines of both stand so
 * far apart that a remark has room. The value of the component, which the run takes, is the text and the name of its form.
 */

import { keepValue, others, own } from "../common/kept.js";
import { say } from "../common/words.js";
import { h, typeInto, write } from "../desk/dom.js";

/** @typedef {{ line: number, what: string, failed: boolean }} Remark A remark on a line, from 1. */

const RESTING = 500; // milliseconds without a letter until the text is checked
const KEPT = "lora-mixer-prompt-file";
const FORMS = [".toml", ".txt", ".csv", ".tsv", ".jsonl"];
export const CHECKED = "lora-mixer:checked";

class Editor {
  /** @param {HTMLElement} root @param {import("../desk/types.js").Handle} handle */
  constructor(root, { props, trigger }) {
    this.props = props;
    this.trigger = trigger;
    this.form = ".txt";
    this.opened = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.resting = undefined;
    this.name = h("span", { class: "editor-name" });
    this.forms = h(
      "select",
      { id: "batch-form", "aria-label": say("editor_form") },
      ...FORMS.map((form) => h("option", { value: form }, form)),
    );
    this.forms.value = this.form;
    this.file = h("input", {
      type: "file",
      accept: FORMS.join(","),
      id: "batch-file",
      class: "visually-hidden",
      tabindex: "-1",
      "aria-label": say("prompt_file_drop"),
    });
    const open = h(
      "button",
      { type: "button", id: "batch-open", onClick: () => this.file.click() },
      say("editor_open"),
    );
    this.box = h("textarea", {
      id: "batch-text",
      spellcheck: "false",
      wrap: "off",
      autocomplete: "off",
      "aria-label": say("prompt_file"),
      "aria-describedby": "batch-remarks",
      placeholder: say("editor_hint"),
    });
    this.behind = h("div", { class: "editor-behind", "aria-hidden": "true" });
    this.remarks = h("ul", { id: "batch-remarks", class: "visually-hidden" });
    this.frame = h("div", { class: "editor-frame", "data-drop": true }, this.behind, this.box);
    root.replaceChildren(
      h("div", { class: "editor-bar" }, open, this.forms, this.name),
      this.file,
      this.frame,
      this.remarks,
    );
    this.box.addEventListener("input", () => this.changed());
    this.box.addEventListener("scroll", () => this.follow());
    this.forms.addEventListener("change", () => {
      this.form = this.forms.value;
      this.changed(0);
    });
    this.file.addEventListener("change", () => this.file.files?.[0] && this.open(this.file.files[0]));
    this.frame.addEventListener("dragover", (event) => event.preventDefault());
    this.frame.addEventListener("drop", (event) => {
      const file = event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      this.open(file);
    });
    document.addEventListener(CHECKED, (event) => this.show(/** @type {CustomEvent} */ (event).detail));
    this.draw([]);
    this.begin();
  }

  /** Begin with what stood here before the page was loaded anew. */
  begin() {
    const { text = "", form = "", name = "" } = own(KEPT) ?? others(KEPT) ?? {};
    if (!text) return;
    this.box.value = text;
    if (FORMS.includes(form)) this.form = this.forms.value = form;
    write(this.name, name);
    this.changed();
  }

  /** @param {File} file */
  async open(file) {
    const number = ++this.opened;
    const text = decoded(new Uint8Array(await file.arrayBuffer()));
    if (number !== this.opened) return; // another one was opened meanwhile
    const form = FORMS.find((ending) => file.name.toLowerCase().endsWith(ending));
    this.form = this.forms.value = form ?? ".txt";
    typeInto(this.box, text); // so that Ctrl+Z brings back what stood there
    this.file.value = "";
    write(this.name, file.name);
    this.changed(0);
  }

  changed(rest = RESTING) {
    this.draw([]);
    clearTimeout(this.resting);
    this.props.value = { text: this.box.value, form: this.form };
    keepValue(KEPT, { ...this.props.value, name: this.name.textContent });
    this.resting = setTimeout(() => this.trigger("change", {}), rest);
  }

  /** @param {{ text: string, remarks: Remark[] }} checked */
  show({ text, remarks }) {
    if (text === this.box.value) this.draw(remarks); // else the answer is older than the text
  }

  /** @param {Remark[]} remarks */
  draw(remarks) {
    this.frame.classList.toggle("remarked", remarks.length > 0);
    /** @type {Map<number, Remark[]>} */
    const said = new Map();
    for (const remark of remarks) said.set(remark.line, [...(said.get(remark.line) ?? []), remark]);
    const lines = this.box.value.split("\n");
    this.behind.replaceChildren(
      ...lines.map((_, at) => {
        const of = said.get(at + 1) ?? [];
        const bad = of.some(({ failed }) => failed);
        const text = of.map(({ what }) => what).join(" · ");
        return h(
          "div",
          { class: `editor-line${of.length ? (bad ? " bad" : " odd") : ""}` },
          h("b", {}, String(at + 1)),
          of.length ? h("i", { title: text }, text) : null,
        );
      }),
    );
    this.remarks.replaceChildren(
      ...remarks.map(({ line, what }) => h("li", {}, say("colon", { name: line, value: what }))),
    );
    this.follow();
  }

  follow() {
    this.behind.scrollTop = this.box.scrollTop;
  }
}

/** Return the text of a file, by its byte order mark or as UTF-8. @param {Uint8Array} bytes */
export function decoded(bytes) {
  const [first, second] = bytes;
  const name =
    first === 0xff && second === 0xfe ? "utf-16le" : first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
  return new TextDecoder(name).decode(bytes).replace(/\r\n?/g, "\n");
}

/** @param {import("../desk/types.js").Handle} handle */
export function start(handle) {
  new Editor(/** @type {HTMLElement} */ (handle.element.querySelector(".own")), handle);
}
