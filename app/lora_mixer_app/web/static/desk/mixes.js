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
  const file = h("input", { type: "file", accept: ".toml", hidden: true });

  /** @param {string[]} found @param {string} [chosen] */
  const list = (found, chosen = "") => {
    names.replaceChildren(h("option", { value: "" }, ""), ...found.map((one) => h("option", { value: one }, one)));
    names.value = chosen;
  };
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
  const laid = (/** @type {any} */ mix) => desk.dispatch({ type: "strips", strips: mix.strips, method: mix.method });
  const written = () => desk.ask("mixes.write", { document: desk.document });
  const buttons = [
    button("mix-load", "load", async () => laid(await desk.ask("mixes.load", { name: names.value }))),
    button("mix-save", "save", async () => {
      const called = name.value.trim() || names.value;
      list(await desk.ask("mixes.save", { name: called, document: desk.document }), called);
    }),
    button("mix-rename", "rename", async () =>
      list(await desk.ask("mixes.rename", { name: names.value, new: name.value }), name.value.trim()),
    ),
    button("mix-delete", "delete", async () => list(await desk.ask("mixes.delete", { name: names.value }))),
    button("mix-copy", "copy", async () => {
      await copy(await written());
      said.textContent = say("copied");
    }),
    button("mix-paste", "paste", async () =>
      laid(await desk.ask("mixes.read", { toml: await navigator.clipboard.readText() })),
    ),
    button("mix-share", "share", async () => download(await written(), `${names.value || "mix"}.toml`)),
    button("mix-take", "take_in", () => file.click()),
    button("mix-prompt", "copy_prompt", async () => {
      await copy(await desk.ask("document.prompt", { document: desk.document }));
      said.textContent = say("copied");
    }),
  ];
  file.addEventListener("change", async () => {
    const given = file.files?.[0];
    file.value = "";
    if (!given) return;
    const called = given.name.replace(/\.toml$/i, "");
    try {
      laid(await desk.ask("mixes.read", { toml: await given.text(), name: called }));
      list(await desk.ask("mixes.list"), called);
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
    said,
  );
  root.append(folded);
  desk.ask("mixes.list").then(list, (error) => desk.fail(error));
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
