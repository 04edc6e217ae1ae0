/** What is known of the LoRA that is looked at: at the foot of the pane, so that it covers no card. */

import { h, write } from "../desk/dom.js";
import { language, say } from "../desk/words.js";

/** @typedef {import("./types.js").LoraCard} LoraCard */

const PAUSE = 250; // milliseconds on a card until the server is asked

/** @param {import("../desk/store.js").Desk} desk */
export function about(desk) {
  const name = h("h3", {});
  const facts = h("p", { class: "small" }, say("lora_about_hint"));
  const problem = h("p", { class: "wrong" });
  const text = h("p", { class: "about-text" });
  const words = h("p", { class: "about-words" });
  const more = h("p", { class: "small about-more" });
  const element = h(
    "section",
    { id: "lora-about", "aria-label": say("lora_about") },
    name,
    facts,
    problem,
    words,
    text,
    more,
  );
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let waiting;
  let shown = "";

  /** @param {LoraCard} card */
  const show = (card) => {
    shown = card.name;
    write(name, card.name);
    write(
      facts,
      [card.base, card.folder, sizeOf(card.size), dateOf(card.date), strengthOf(card)].filter(Boolean).join(" · "),
    );
    write(problem, card.unfit ?? "");
    write(text, card.description);
    write(more, "");
    words.replaceChildren(...card.words.map((word) => wordOf(word, desk)));
    clearTimeout(waiting);
    waiting = setTimeout(() => complete(card), PAUSE);
  };

  /** @param {LoraCard} card */
  const complete = async (card) => {
    try {
      const told = await desk.ask("library.details", { name: card.name, model: desk.document.settings.model ?? "" });
      if (shown !== card.name) return;
      write(text, [told.description, told.notes].filter(Boolean).join("\n"));
      more.replaceChildren(
        ...[told.author, told.license, ...told.problems].filter(Boolean).map((item) => h("span", {}, `${item} `)),
      );
      if (told.page) more.append(h("a", { href: told.page, target: "_blank", rel: "noreferrer noopener" }, "Civitai"));
    } catch {
      // what the card says is there already
    }
  };
  return { element, show };
}

/** @param {string} word @param {import("../desk/store.js").Desk} desk */
function wordOf(word, desk) {
  const put = () => desk.insertWords(word);
  return h("button", { type: "button", class: "word", title: say("words"), onclick: put }, word);
}

/** @param {LoraCard} card */
function strengthOf(card) {
  return say("lora_strength", { strength: card.range ? `${card.range[0]} – ${card.range[1]}` : String(card.strength) });
}

/** @param {number} bytes */
function sizeOf(bytes) {
  return bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** @param {number} milliseconds */
function dateOf(milliseconds) {
  return new Date(milliseconds).toLocaleDateString(language() === "zh" ? "zh-CN" : "en");
}
