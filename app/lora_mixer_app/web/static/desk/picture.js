/** The middle pane: the picture, what may be done with it, and the pictures before it. */

import { preview } from "./answers.js";
import { fill, h, keep } from "./dom.js";
import { say } from "./words.js";

/** @typedef {import("./types.js").Picture} Picture */

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mount(root, desk) {
  const image = h("img", { alt: say("picture") });
  const stage = h("div", { id: "picture", class: "stage" });
  const record = h("textarea", { rows: 6, readonly: true, "aria-label": say("record") });
  const search = h("input", { type: "search", placeholder: say("history_hint"), "aria-label": say("history_hint") });
  const strip = h("div", { id: "history", class: "filmstrip" });
  const { bar, drawButtons } = buttons(desk);

  const draw = () => {
    const source = preview(desk.shown) ?? desk.view.picture?.url ?? "";
    stage.classList.toggle("preview", preview(desk.shown) !== null);
    if (!source) image.remove();
    else {
      if (image.getAttribute("src") !== source) image.setAttribute("src", source);
      if (!image.isConnected) stage.append(image);
    }
    fill(record, desk.view.picture?.record ?? "", true);
    for (const film of strip.children)
      film.setAttribute(
        "aria-current",
        String(/** @type {HTMLElement} */ (film).dataset.key === String(desk.view.picture?.id)),
      );
    drawButtons();
  };
  let asked = 0;
  const list = async () => {
    const number = ++asked;
    try {
      const found = /** @type {Picture[]} */ (await desk.ask("pictures.list", { text: search.value }));
      if (number !== asked) return;
      keep(
        strip,
        found,
        (picture) => String(picture.id),
        (picture) => film(picture, desk),
        (element, picture) => element.classList.toggle("pinned", picture.pinned),
      );
      draw();
    } catch (error) {
      desk.fail(error);
    }
  };
  search.addEventListener("input", list);
  desk.subscribe((topics) => {
    if (topics.has("shown") || topics.has("view")) draw();
    if (topics.has("pictures")) list();
  });
  root.append(
    stage,
    bar,
    h("details", { class: "record" }, h("summary", {}, say("record")), h("div", { id: "record" }, record)),
    h("div", { id: "history-search", class: "pane-head" }, search),
    strip,
  );
  draw();
  list();
}

/** @param {Picture} picture @param {import("./store.js").Desk} desk */
function film(picture, desk) {
  const label = `${say("seed_short")} ${picture.seed}: ${picture.prompt}`;
  return h(
    "button",
    {
      type: "button",
      class: "thumbnail-item",
      title: label,
      "aria-label": label,
      onclick: () => desk.look({ picture }),
    },
    h("img", { src: picture.thumb, alt: "" }),
  );
}

/** @param {import("./store.js").Desk} desk */
function buttons(desk) {
  /** @param {string} name @param {(picture: Picture) => Promise<void>} act */
  const button = (name, act) => {
    const made = h("button", { id: name, type: "button" }, say(name));
    made.addEventListener("click", async () => {
      const { picture } = desk.view;
      if (!picture) return;
      try {
        await act(picture);
      } catch (error) {
        desk.fail(error);
      }
    });
    return made;
  };
  const use = button("use", async (picture) => {
    desk.dispatch({ type: "lay", document: await desk.ask("pictures.document", { id: picture.id }) });
  });
  const pin = button("pin", async (picture) => {
    desk.look({ picture: await desk.ask("pictures.pin", { id: picture.id, pinned: !picture.pinned }) });
    desk.picturesChanged();
  });
  const remove = button("delete", async (picture) => {
    await desk.ask("pictures.delete", { id: picture.id });
    desk.look({ picture: null });
    desk.picturesChanged();
  });
  const download = h("a", { id: "download", class: "button" }, say("download"));
  const drawButtons = () => {
    const { picture } = desk.view;
    const idle = preview(desk.shown) !== null || !picture; // what is on the screen is no picture of the history
    for (const made of [use, pin, remove]) made.disabled = idle;
    pin.textContent = say(picture?.pinned ? "unpin" : "pin");
    download.toggleAttribute("aria-disabled", idle);
    if (picture) {
      download.href = picture.url;
      download.download = picture.name;
    }
  };
  return { bar: h("div", { class: "tools" }, use, pin, download, remove), drawButtons };
}
