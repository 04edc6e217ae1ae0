/** Taking in LoRA files that are dropped or chosen: asks where they go, and tells how far they are. */

import { takeDropped } from "../common/drop.js";
import { h, write } from "../desk/dom.js";
import { say } from "../desk/words.js";

const ENDING = ".safetensors";

/**
 * Return the dialog, and what opens it.
 * @param {import("../desk/store.js").Desk} desk
 * @param {() => string[]} places The folders that take files.
 * @param {() => void} taken Called when a file is there.
 */
export function importer(desk, places, taken) {
  /** @type {File[]} */
  let waiting = [];
  /** @type {XMLHttpRequest | null} */
  let sending = null;
  const chooser = h("input", {
    type: "file",
    accept: ENDING,
    multiple: true,
    hidden: true,
    "aria-label": say("lora_import"),
  });
  const folder = h("select", { "aria-label": say("folder") });
  const names = h("p", { class: "import-names" });
  const progress = h("progress", { max: 1, value: 0, "aria-label": say("lora_import"), hidden: true });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const go = h("button", { type: "button", class: "primary" }, say("lora_import"));
  const stop = h("button", { type: "button" }, say("cancel"));
  const dialog = h(
    "dialog",
    { id: "lora-import-dialog", "aria-label": say("lora_import") },
    h("h3", {}, say("lora_import")),
    names,
    h("label", {}, say("lora_into"), " ", folder),
    progress,
    wrong,
    h("div", { class: "dialog-foot" }, go, stop),
  );

  /** @param {File[]} files */
  const offer = (files) => {
    const loras = files.filter((file) => file.name.toLowerCase().endsWith(ENDING));
    if (!loras.length) return desk.fail(say("lora_only"));
    waiting = dialog.open ? [...waiting, ...loras] : loras; // what was dropped before is not there yet
    write(names, waiting.map((file) => file.name).join(", "));
    if (dialog.open) return;
    folder.replaceChildren(...places().map((name) => h("option", { value: name }, name)));
    write(wrong, places().length ? "" : say("lora_nowhere"));
    go.disabled = places().length === 0;
    progress.hidden = true;
    dialog.showModal();
  };
  chooser.addEventListener("change", () => {
    offer([...(chooser.files ?? [])]);
    chooser.value = "";
  });
  stop.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => sending?.abort());
  go.addEventListener("click", async () => {
    go.disabled = true;
    progress.hidden = false;
    try {
      while (waiting.length) {
        await send(waiting[0]);
        waiting.shift();
        taken();
      }
      dialog.close();
    } catch (error) {
      write(wrong, error instanceof Error ? error.message : String(error));
    } finally {
      go.disabled = false;
    }
  });

  /** @param {File} file @returns {Promise<void>} */
  const send = (file) =>
    new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      sending = request;
      request.open(
        "PUT",
        `panes/lora?folder=${encodeURIComponent(folder.value)}&name=${encodeURIComponent(file.name)}`,
      );
      request.upload.addEventListener(
        "progress",
        (event) => (progress.value = event.loaded / Math.max(event.total, 1)),
      );
      request.addEventListener("load", () => (request.status === 200 ? resolve() : reject(new Error(told(request)))));
      request.addEventListener("error", () => reject(new Error(say("no_answer"))));
      request.addEventListener("abort", () => reject(new Error(say("cancelled"))));
      request.send(file);
    });

  takeDropped(ENDING, (files) => {
    if (dialog.open) return offer(files);
    document.getElementById("tab-desk-button")?.click(); // where the dialog is
    requestAnimationFrame(() => offer(files));
  });

  return { element: h("div", {}, chooser, dialog), ask: () => chooser.click() };
}

/** @param {XMLHttpRequest} request @returns {string} */
function told(request) {
  try {
    return JSON.parse(request.responseText).error;
  } catch {
    return say("no_answer");
  }
}
