/** The cards of the library: all of them, drawn as far as somebody has scrolled, and walked through by arrow keys. */

import { h, keep } from "../desk/dom.js";
import { icon } from "../desk/icons.js";
import { say } from "../desk/words.js";
import { stepped } from "./choose.js";

/** @typedef {import("./types.js").LoraCard} LoraCard */

const CHUNK = 120; // cards more whenever the end comes into sight
const KEYS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

/**
 * Return the grid and what draws it.
 * @param {import("../desk/store.js").Desk} desk
 * @param {{ look: (card: LoraCard) => void, like: (name: string, on: boolean) => void }} hear
 */
export function grid(desk, hear) {
  /** @type {LoraCard[]} */
  let found = [];
  let taken = new Set();
  let drawn = CHUNK;
  let first = "";
  const list = h("div", { class: "card-grid", role: "list", "aria-label": say("loras") });
  const end = h("div", { class: "card-end" });
  const element = h("div", { id: "lora-previews", class: "cards-pane" }, list, end);

  const paint = () => {
    keep(
      list,
      found.slice(0, drawn),
      (card) => card.name,
      (card) => made(card.name),
      (item, card) => update(item, card, taken.has(card.name)),
    );
    const buttons = mains();
    if (!buttons.some((button) => button.tabIndex === 0) && buttons[0]) buttons[0].tabIndex = 0;
    end.hidden = drawn >= found.length;
  };
  const more = () => {
    if (drawn >= found.length) return;
    drawn += CHUNK;
    paint();
  };
  new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && more(), {
    root: element,
    rootMargin: "400px",
  }).observe(end);

  /** @returns {HTMLButtonElement[]} */
  const mains = () => [...list.querySelectorAll(/** @type {"button"} */ ("button.card"))];
  /** @param {string} name */
  const cardOf = (name) => found.find((card) => card.name === name);

  /** @param {string} name */
  function made(name) {
    const button = h(
      "button",
      { type: "button", class: "card", "aria-label": name, title: name, tabindex: -1 },
      h("img", { alt: "", loading: "lazy" }),
      h("span", { class: "card-name" }, name),
      h("span", { class: "card-base" }),
    );
    const like = h(
      "button",
      {
        type: "button",
        class: "like",
        tabindex: -1,
        "aria-label": say("lora_like", { name }),
        title: say("lora_like", { name }),
      },
      icon("pin"),
    );
    button.addEventListener("click", () => add(name));
    like.addEventListener("click", () => toggle(name));
    const see = () => {
      const card = cardOf(name);
      if (card) hear.look(card);
    };
    button.addEventListener("focus", () => {
      for (const other of mains()) other.tabIndex = other === button ? 0 : -1;
      see();
    });
    button.addEventListener("pointerenter", see);
    return h("div", { class: "card-item", role: "listitem" }, button, like);
  }

  /** @param {string} name */
  const toggle = (name) => hear.like(name, !cardOf(name)?.favourite);

  /** @param {string} name */
  function add(name) {
    const card = cardOf(name);
    if (!card) return;
    if (card.unfit) return desk.fail(say("unfit", { name, reason: card.unfit }));
    const there = document.querySelector(`.strip [aria-label="range slider for ${CSS.escape(name)}"]`);
    if (there instanceof HTMLElement) return there.focus();
    desk.dispatch({ type: "strip.add", strip: { name, strength: card.strength } });
  }

  list.addEventListener("keydown", (event) => {
    const buttons = mains();
    const place = buttons.indexOf(/** @type {HTMLButtonElement} */ (event.target));
    if (place < 0) return;
    if (event.key === "f") return toggle(/** @type {string} */ (buttons[place].getAttribute("aria-label")));
    if (!KEYS.includes(event.key)) return;
    event.preventDefault();
    const columns = getComputedStyle(list).gridTemplateColumns.split(" ").length;
    const to = stepped(event.key, place, found.length, columns);
    while (to >= drawn && drawn < found.length) more();
    mains()[to]?.focus();
  });

  return {
    element,
    /** @param {LoraCard[]} cards @param {Set<string>} mixed Names in the mix. */
    draw(cards, mixed) {
      const top = cards[0]?.name ?? "";
      if (top !== first) drawn = CHUNK; // another search
      first = top;
      found = cards;
      taken = mixed;
      paint();
    },
  };
}

/** @param {Element} item @param {LoraCard} card @param {boolean} taken */
function update(item, card, taken) {
  const [button, like] = /** @type {HTMLCollectionOf<HTMLButtonElement>} */ (item.children);
  const image = /** @type {HTMLImageElement} */ (button.firstElementChild);
  const source = `panes/preview?name=${encodeURIComponent(card.name)}&v=${card.stamp}`;
  if (image.getAttribute("src") !== source) image.setAttribute("src", source);
  const base = /** @type {Element} */ (button.lastElementChild);
  base.textContent = card.base;
  item.classList.toggle("unfit", Boolean(card.unfit));
  item.classList.toggle("taken", taken);
  button.setAttribute("aria-disabled", String(Boolean(card.unfit)));
  button.title = card.unfit ? say("unfit", { name: card.name, reason: card.unfit }) : card.name;
  button.setAttribute(
    "aria-description",
    [card.base, taken ? say("lora_taken") : "", card.unfit ?? ""].filter(Boolean).join(say("comma")),
  );
  like.setAttribute("aria-pressed", String(card.favourite));
}
