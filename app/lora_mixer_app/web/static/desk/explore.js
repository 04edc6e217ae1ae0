/** Mixes nobody has thought of: a surprise within limits, and a search by what is liked better of two pictures. */

import { h, keep, write } from "./dom.js";
import { inWords, showPairs } from "./explore_pairs.js";
import { readNumber, show } from "./numbers.js";
import { say } from "./words.js";

/**
 * @typedef {import("./store.js").Desk} Desk
 * @typedef {Record<string, [number, number]>} Limits The least and the greatest strength by name.
 */

const SEEDS = 2 ** 32;
const MOST = 3;

/** @param {HTMLElement} root @param {Desk} desk */
export function mountExplore(root, desk) {
  const rows = h("div", { class: "limits" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const said = h("p", { class: "small", role: "status", id: "surprise-said" });
  const most = h("input", { type: "text", inputmode: "numeric", class: "number", id: "explore-most" });
  const surprise = h("button", { type: "button", id: "surprise" }, say("surprise"));
  const explore = h("button", { type: "button", id: "explore-begin" }, say("explore_go"));
  root.append(
    h(
      "details",
      { id: "explore" },
      h("summary", {}, say("explore")),
      h("p", { class: "small" }, say("explore_hint")),
      rows,
      h("label", { class: "small" }, say("explore_most"), " ", most),
      h("div", { class: "buttons" }, surprise, explore),
      wrong,
      said,
    ),
  );
  const pairs = showPairs(desk);
  const names = () => [...new Set(desk.document.strips.map((strip) => strip.name))];

  /** The limits of a LoRA: those that were set, else from 0 to what its owner prefers. @param {string} name @returns {[number, number]} */
  const limitsOf = (name) => desk.view.limits?.[name] ?? [0, Math.max(0.05, desk.facts.loras[name]?.strength ?? 1)];

  /** @returns {Limits | null} */
  function limits() {
    const found = Object.fromEntries(names().map((name) => [name, limitsOf(name)]));
    const bad = names().find((name) => !((found[name]?.[0] ?? 0) < (found[name]?.[1] ?? 0)));
    write(wrong, bad ? say("explore_wrong", { name: bad }) : "");
    return bad ? null : found;
  }

  async function surprised() {
    const within = limits();
    if (!within) return;
    const seed = Math.floor(Math.random() * SEEDS);
    const asked = names(); // a strip that comes meanwhile is no part of it
    await desk.after(desk.ask("mix.surprise", { limits: within, seed, most: desk.view.most ?? MOST }), (strengths) => {
      desk.dispatch({ type: "strengths", names: asked, strengths });
      write(said, say("surprised", { seed, mix: inWords(strengths) }));
    });
  }

  const failed = (/** @type {unknown} */ error) => desk.fail(error);
  surprise.addEventListener("click", () => surprised().then(() => desk.wentWell(), failed));
  explore.addEventListener("click", () => {
    const within = limits();
    if (within) pairs.open(within);
  });
  most.addEventListener("change", () => {
    const value = readNumber(most.value);
    const good = value !== null && Number.isInteger(value) && value >= 1 && value <= 64;
    write(wrong, good ? "" : say("whole_wrong", { low: 1, high: 64 }));
    if (good) desk.look({ most: value });
  });

  /** @param {string} name */
  const make = (name) => {
    const boxes = ["low", "high"].map((side, place) => {
      const box = h("input", {
        type: "text",
        inputmode: "decimal",
        class: "number",
        "aria-label": say(`explore_${side}`, { name }),
        autocomplete: "off",
      });
      box.addEventListener("change", () => {
        const value = readNumber(box.value);
        write(wrong, value === null ? say("number_wrong", { low: -100, high: 100 }) : "");
        if (value === null || Math.abs(value) > 100) return;
        const now = /** @type {[number, number]} */ ([...limitsOf(name)]);
        now[place] = value;
        desk.look({ limits: { ...desk.view.limits, [name]: now } });
        limits();
      });
      return box;
    });
    return h("div", { class: "limit" }, h("span", { class: "limit-name", title: name }, name), ...boxes);
  };
  const draw = () => {
    keep(
      rows,
      names(),
      (name) => name,
      make,
      (row, name) => {
        const boxes = row.querySelectorAll("input");
        limitsOf(name).forEach((value, place) => {
          const box = boxes[place];
          if (box && document.activeElement !== box) box.value = show(value);
        });
      },
    );
    if (document.activeElement !== most) most.value = String(desk.view.most ?? MOST);
    surprise.disabled = explore.disabled = names().length === 0;
  };
  desk.subscribe(
    (topics) => ["document", "facts", "view"].some((one) => topics.has(/** @type {any} */ (one))) && draw(),
  );
  draw();
}
