/** The left pane: the library's cards; a click adds a strip. */

import { h, keep, write } from "./dom.js";
import { say } from "./words.js";

/** @typedef {import("./types.js").Card} Card */

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mount(root, desk) {
  const search = h("input", { type: "search", placeholder: say("search"), "aria-label": say("search") });
  const cards = h("div", { id: "lora-previews", class: "cards" });
  const list = async () => {
    try {
      const { cards: found } = await desk.ask("loras.list", { text: search.value });
      draw(found);
    } catch (error) {
      desk.fail(error);
    }
  };
  /** @param {Card[]} found */
  const draw = (found) =>
    keep(
      cards,
      found,
      (card) => card.name,
      (card) => cardOf(card, desk),
      (element, card) => update(element, card),
    );
  search.addEventListener("input", list);
  root.append(h("div", { id: "lora-search", class: "pane-head" }, search), cards);
  list();
}

/** @param {Card} card @param {import("./store.js").Desk} desk */
function cardOf(card, desk) {
  const button = h(
    "button",
    { type: "button", class: "card" },
    h("img", { alt: "", loading: "lazy" }),
    h("span", { class: "card-name" }),
  );
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") === "true")
      return desk.fail(say("unfit", { name: card.name, reason: button.dataset.problem ?? "" }));
    desk.dispatch({ type: "strip.add", strip: { name: card.name, strength: Number(button.dataset.strength) } });
  });
  return button;
}

/** @param {Element} element @param {Card} card */
function update(element, card) {
  const button = /** @type {HTMLElement} */ (element);
  const image = /** @type {HTMLImageElement} */ (button.querySelector("img"));
  if (image.getAttribute("src") !== card.thumb) image.setAttribute("src", card.thumb);
  button.dataset.strength = String(card.strength);
  button.dataset.problem = card.problem ?? "";
  button.setAttribute("aria-disabled", String(Boolean(card.problem)));
  button.title = card.problem ? say("unfit", { name: card.name, reason: card.problem }) : card.name;
  button.setAttribute("aria-label", button.title);
  const label = /** @type {Element} */ (button.querySelector(".card-name"));
  write(label, `${card.name}${card.base ? ` · ${card.base}` : ""}${card.problem ? " ✕" : ""}`);
}
