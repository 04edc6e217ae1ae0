/** The left pane: every LoRA of the folders as a card, what is known of the one that is looked at, and files that are broken. */

import { h, keep, write } from "../desk/dom.js";
import { icon } from "../desk/icons.js";
import { say } from "../desk/words.js";
import { about } from "./about.js";
import { grid } from "./cards.js";
import { bases, chosen, EVERYTHING, FITTING, SORTS } from "./choose.js";
import { importer } from "./take_in.js";

/**
 * @typedef {import("./types.js").Listing} Listing
 * @typedef {import("./types.js").Choice} Choice
 */

const LOOK_EVERY = 3000; // milliseconds
const LOOK_AGAIN = 400; // while headers are being read
const KEPT = "lora-mixer-library";

/** @param {HTMLElement} root @param {import("../desk/store.js").Desk} desk */
export function mount(root, desk) {
  /** @type {Listing} */
  let listing = { stamp: "", loras: [], broken: [], folders: [], takes: [], pending: true };
  let choice = remembered();
  const details = about(desk);
  const cards = grid(desk, { look: details.show, like });
  const takeIn = importer(
    desk,
    () => listing.takes,
    () => refresh(true),
  );
  const broken = h("details", { class: "broken", hidden: true }, h("summary", {}), h("ul", {}));
  const count = h("span", { class: "small", id: "lora-count", role: "status" });
  const head = heads({ choice, change, look: () => refresh(true), takeIn: takeIn.ask });

  function draw() {
    const found = chosen(listing.loras, choice);
    head.fill(listing);
    cards.draw(found, new Set(desk.document.strips.map((strip) => strip.name)));
    cards.element.setAttribute("aria-busy", String(listing.pending)); // more is being read of the files
    write(count, say("lora_count", { shown: found.length, all: listing.loras.length }));
    broken.hidden = listing.broken.length === 0;
    write(/** @type {Element} */ (broken.firstElementChild), say("lora_broken", { count: listing.broken.length }));
    keep(
      /** @type {Element} */ (broken.lastElementChild),
      listing.broken,
      (file) => `${file.folder}/${file.file}`,
      (file) => h("li", {}, h("b", {}, file.file), " ", h("span", { class: "small" }, file.folder), h("p", {})),
      (item, file) => write(/** @type {Element} */ (item.querySelector("p")), file.reason),
    );
  }

  /** @param {Partial<Choice>} values */
  function change(values) {
    choice = { ...choice, ...values };
    sessionStorage.setItem(KEPT, JSON.stringify(choice));
    draw();
  }

  /** @param {string} name @param {boolean} on */
  async function like(name, on) {
    try {
      await desk.ask("library.like", { name, on });
      await refresh(false);
    } catch (error) {
      desk.fail(error);
    }
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let next;
  let number = 0;
  /** @param {boolean} look */
  async function refresh(look) {
    clearTimeout(next);
    const mine = ++number;
    try {
      /** @type {Listing} */
      const told = await desk.ask("library.list", {
        model: desk.document.settings.model ?? "",
        known: look ? "" : listing.stamp,
        look,
      });
      if (mine !== number) return;
      if (!told.same) {
        listing = told;
        draw();
        desk.lookAgain(); // strips may be of files that went, or came back
      }
    } catch (error) {
      if (look) desk.fail(error);
    } finally {
      if (mine === number) next = setTimeout(watch, listing.pending ? LOOK_AGAIN : LOOK_EVERY);
    }
  }
  const watch = () => {
    if (document.hidden || !root.offsetParent) next = setTimeout(watch, LOOK_EVERY);
    else refresh(false);
  };

  const mixed = () => desk.document.strips.map((strip) => strip.name).join("\n");
  let [model, names] = [desk.document.settings.model, mixed()];
  desk.subscribe((topics) => {
    if (!topics.has("document")) return;
    const before = [model, names];
    [model, names] = [desk.document.settings.model, mixed()];
    if (model !== before[0]) refresh(false);
    else if (names !== before[1]) draw(); // a knob that is turned changes no card
  });
  document.addEventListener("visibilitychange", () => !document.hidden && refresh(false));
  root.append(head.element, count, cards.element, broken, details.element, takeIn.element);
  refresh(false);
}

/** @returns {Choice} */
function remembered() {
  try {
    return { ...EVERYTHING, ...JSON.parse(sessionStorage.getItem(KEPT) ?? "{}") };
  } catch {
    return EVERYTHING;
  }
}

/**
 * The search, the filters and the buttons.
 * @param {{ choice: Choice, change: (values: Partial<Choice>) => void, look: () => void, takeIn: () => void }} given
 */
function heads({ choice, change, look, takeIn }) {
  const search = h("input", {
    type: "search",
    placeholder: say("search"),
    "aria-label": say("search"),
    value: choice.text,
  });
  const folder = h("select", { "aria-label": say("folder") });
  const base = h("select", { "aria-label": say("lora_base") });
  const sort = h(
    "select",
    { "aria-label": say("lora_sort") },
    ...Object.keys(SORTS).map((name) => h("option", { value: name }, say(`sort_${name}`))),
  );
  sort.value = choice.sort;
  const liked = h(
    "button",
    {
      type: "button",
      class: "icon",
      title: say("lora_liked"),
      "aria-label": say("lora_liked"),
      "aria-pressed": String(choice.liked),
    },
    icon("pin"),
  );
  search.addEventListener("input", () => change({ text: search.value }));
  folder.addEventListener("change", () => change({ folder: folder.value }));
  base.addEventListener("change", () => change({ base: base.value }));
  sort.addEventListener("change", () => change({ sort: sort.value }));
  liked.addEventListener("click", () => {
    const on = liked.getAttribute("aria-pressed") !== "true";
    liked.setAttribute("aria-pressed", String(on));
    change({ liked: on });
  });
  const again = h(
    "button",
    {
      type: "button",
      class: "icon",
      id: "lora-refresh",
      title: say("lora_refresh"),
      "aria-label": say("lora_refresh"),
      onclick: look,
    },
    icon("again"),
  );
  const add = h(
    "button",
    {
      type: "button",
      class: "icon",
      id: "lora-import",
      title: say("lora_import"),
      "aria-label": say("lora_import"),
      onclick: takeIn,
    },
    icon("add"),
  );
  const element = h(
    "div",
    { class: "library-head" },
    h("div", { id: "lora-search", class: "pane-head" }, search, liked, again, add),
    h("div", { class: "filters" }, folder, base, sort),
  );
  let wantedFolder = choice.folder;
  let wantedBase = choice.base;
  folder.addEventListener("change", () => (wantedFolder = folder.value));
  base.addEventListener("change", () => (wantedBase = base.value));

  /** @param {Listing} listing */
  const fill = (listing) => {
    options(folder, [["", say("all_folders")], ...listing.folders.map((name) => [name, name])], wantedFolder);
    options(
      base,
      [["", say("all_bases")], [FITTING, say("fitting")], ...bases(listing.loras).map((name) => [name, name])],
      wantedBase,
    );
  };
  return { element, fill };
}

/** @param {HTMLSelectElement} box @param {string[][]} rows @param {string} value */
function options(box, rows, value) {
  const text = JSON.stringify(rows);
  if (box.dataset.rows !== text) {
    box.dataset.rows = text;
    box.replaceChildren(...rows.map(([name, label]) => h("option", { value: name }, label)));
  }
  if (rows.some(([name]) => name === value)) box.value = value;
}
