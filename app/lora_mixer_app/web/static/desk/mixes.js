/** Saved mixes, and the mix as TOML: copied, pasted, downloaded, dropped. */

import { h } from "./dom.js";
import { say } from "./words.js";

/** @typedef {import("./store.js").Desk} Desk */

/** @param {HTMLElement} root @param {Desk} desk */
export function mountMixes(root, desk) {
  const names = h("select", { "aria-label": say("saved") });
  const name = h("input", {
    type: "text",
    placeholder: say("mix_name"),
    "aria-label": say("mix_name"),
    autocomplete: "off",
  });
  const said = h("span", { class: "small", role: "status" });
  const back = h("button", { type: "button", id: "mix-undo", hidden: true }, say("undo"));
  const file = h("input", { type: "file", accept: ".toml", hidden: true });

  /** @param {string[]} found @param {string} chosen */
  const list = (found, chosen) => {
    names.replaceChildren(h("option", { value: "" }, ""), ...found.map((one) => h("option", { value: one }, one)));
    names.value = chosen;
  };
  /** The saved mixes are asked one question after the other: no answer tells of them as they were before another. @type {Promise<unknown>} */
  let asked = Promise.resolve();
  /** @param {string} question @param {Record<string, unknown>} [data] @returns {Promise<any>} */
  const ask = (question, data) => {
    const answer = asked.then(() => desk.ask(question, data));
    asked = answer.catch(() => {});
    return answer;
  };
  /** List the mixes anew. @param {string} question @param {Record<string, unknown>} [data] @param {string} [chosen] */
  const relist = async (question, data, chosen = "") => {
    const before = names.value;
    const found = await ask(question, data);
    list(found, names.value === before ? chosen : names.value); // else somebody chose another one meanwhile
  };
  /** What brings back what was deleted or replaced last. @type {(() => void) | null} */
  let takeBack = null;
  const tell = (/** @type {string} */ text, gone = "") => {
    said.textContent = text;
    back.hidden = !gone;
    takeBack = gone ? () => restore(gone) : null;
    if (takeBack) desk.canTakeBack(takeBack);
  };
  const restore = (/** @type {string} */ gone) => {
    tell("");
    relist("mixes.restore", { name: gone }, gone).catch((error) => desk.fail(error));
  };
  const has = (/** @type {string} */ called) => [...names.options].some((option) => option.value === called);
  back.addEventListener("click", () => {
    if (!takeBack) return;
    desk.cannotTakeBack(takeBack);
    takeBack();
  });
  /** @param {string} id @param {string} key @param {() => Promise<void> | void} act */
  const button = (id, key, act) =>
    h(
      "button",
      {
        id,
        type: "button",
        onclick: () =>
          Promise.resolve(act()).then(
            () => desk.wentWell(),
            (error) => desk.fail(error),
          ),
      },
      say(key),
    );
  const lay = (/** @type {Promise<any>} */ mix) =>
    desk.after(mix, ({ strips, method, regions }) => desk.dispatch({ type: "strips", strips, method, regions }));
  const written = () => desk.ask("mixes.write", { document: desk.document });
  const buttons = [
    button("mix-load", "load", () => lay(ask("mixes.load", { name: names.value }))),
    button("mix-save", "save", async () => {
      const called = name.value.trim() || names.value;
      const replaces = has(called);
      await relist("mixes.save", { name: called, document: desk.document }, called);
      if (replaces) tell(say("mix_replaced", { name: called }), called);
      else tell("");
    }),
    button("mix-rename", "rename", () => {
      const called = name.value.trim();
      return relist("mixes.rename", { name: names.value, new: called }, called);
    }),
    button("mix-delete", "delete", async () => {
      const called = names.value;
      await relist("mixes.delete", { name: called });
      tell(say("mix_deleted", { name: called }), called);
    }),
    button("mix-copy", "copy", async () => {
      await copy(await written());
      tell(say("copied"));
    }),
    button("mix-paste", "paste", () =>
      lay(navigator.clipboard.readText().then((toml) => desk.ask("mixes.read", { toml }))),
    ),
    button("mix-share", "share", async () => {
      const called = `${names.value || "mix"}.toml`;
      download(await written(), called);
    }),
    button("mix-take", "take_in", () => file.click()),
    button("mix-prompt", "copy_prompt", async () => {
      await copy(await desk.ask("document.prompt", { document: desk.document }));
      tell(say("copied"));
    }),
  ];
  file.addEventListener("change", async () => {
    const given = file.files?.[0];
    file.value = "";
    if (!given) return;
    const called = given.name.replace(/\.toml$/i, "");
    const replaces = has(called);
    try {
      await lay(given.text().then((toml) => ask("mixes.read", { toml, name: called })));
      await relist("mixes.list", {}, called);
      if (replaces) tell(say("mix_replaced", { name: called }), called);
    } catch (error) {
      desk.fail(error);
    }
  });
  const folded = h(
    "details",
    { id: "mixes" },
    h("summary", {}, say("mixes")),
    h("div", { class: "mixes" }, h("div", { id: "mix-names" }, names), h("div", { id: "mix-name" }, name)),
    h("div", { class: "buttons" }, ...buttons, file),
    h("div", { class: "mix-told" }, said, " ", back),
  );
  root.append(folded);
  relist("mixes.list").catch((error) => desk.fail(error));
}

/** @param {string} text */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = h("textarea", {}, text); // pages that come without TLS from another machine have no clipboard
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}

/** @param {string} text @param {string} name */
function download(text, name) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/toml" }));
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
