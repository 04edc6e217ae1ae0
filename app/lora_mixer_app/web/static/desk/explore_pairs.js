/** Two pictures side by side: what is liked better is picked, and the next two go by it. */

import { h, write } from "./dom.js";
import { show } from "./numbers.js";
import { changed } from "./reducer.js";
import { say } from "./words.js";

/**
 * @typedef {import("./types.js").Picture} Picture
 * @typedef {Record<string, number>} Strengths
 */

const SIDES = [
  { key: "←", event: "ArrowLeft", says: "explore_left" },
  { key: "→", event: "ArrowRight", says: "explore_right" },
];

/** @param {import("./store.js").Desk} desk */
export function showPairs(desk) {
  /** @type {import("./explore.js").Limits} */
  let limits = {};
  /** @type {Strengths[]} */
  let pair = [];
  let ready = false;
  let shown = false;
  let picks = 0;
  /** The picture whose noise all have, where the seed is left to chance. @type {number | null} */
  let noise = null;
  let turn = 0;
  /** Ends when the server has stopped what was made before: else it stops what comes after. @type {Promise<void>} */
  let stopped = Promise.resolve();
  /** Pictures by their document, since what is liked best is shown again. @type {Map<string, Picture>} */
  const made = new Map();
  const status = h("p", { role: "status", id: "explore-status" });
  const sides = SIDES.map(({ key, says }, place) => {
    const image = h("img", { alt: say(says) });
    const mix = h("p", { class: "small" });
    const pick = h("button", { type: "button", class: "explore-pick" }, say("explore_pick", { key }));
    const take = h("button", { type: "button", class: "explore-take" }, say("explore_take"));
    pick.addEventListener("click", () => picked(place));
    take.addEventListener("click", () => taken(place));
    image.addEventListener("click", () => picked(place));
    const element = h(
      "div",
      { class: "explore-side" },
      h("div", { class: "explore-stage" }, image),
      mix,
      h("div", { class: "buttons" }, pick, take),
    );
    return { element, image, mix, pick, take };
  });
  const close = h("button", { type: "button", class: "explore-close" }, say("close"));
  const dialog = h(
    "dialog",
    { class: "explore-dialog", id: "explore-dialog", "aria-label": say("explore") },
    h("div", { class: "explore-head" }, h("h2", {}, say("explore_which")), status, close),
    h("div", { class: "explore-pair" }, ...sides.map((side) => side.element)),
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => !dialog.open && leave()); // it comes late: the dialog may be open again
  dialog.addEventListener("keydown", (event) => {
    const place = SIDES.findIndex((side) => side.event === event.key);
    event.stopPropagation();
    if (place < 0) return;
    event.preventDefault();
    picked(place);
  });

  /** Stop what is made for the pair that was shown, if one was. */
  function leave() {
    if (!shown) return;
    shown = false;
    turn += 1;
    stopped = desk.ask("side.cancel", { kind: "explore" }).catch(() => {});
  }

  /** @param {Strengths} strengths */
  const mixed = (strengths) => changed(desk.document, { type: "strengths", names: Object.keys(limits), strengths });

  /** Ask for two mixes, and draw them. @param {Record<string, unknown>} [pick] */
  async function next(pick = {}) {
    const mine = ++turn;
    ready = false;
    draw();
    try {
      await stopped;
      const proposed = await desk.ask("mix.propose", { limits, ...pick });
      if (mine !== turn) return;
      pair = proposed;
      noise ??= desk.view.picture?.id ?? null;
      for (const [place, side] of sides.entries()) {
        const document = mixed(pair[place] ?? {});
        write(side.mix, inWords(pair[place] ?? {}));
        const key = JSON.stringify([document, noise]);
        /** @type {Picture} */
        const picture = made.get(key) ?? (await desk.ask("side.render", { kind: "explore", document, noise }));
        made.set(key, picture);
        if (mine !== turn) return;
        side.image.src = picture.url;
        side.element.classList.add("there");
        noise ??= picture.id;
      }
      ready = true;
      draw();
      desk.picturesChanged();
    } catch (error) {
      if (mine !== turn) return;
      write(status, error instanceof Error ? error.message : String(error));
    }
  }

  /** @param {number} place */
  function picked(place) {
    if (!ready) return;
    picks += 1;
    next({ picked: pair[place], other: pair[1 - place] });
  }

  /** @param {number} place */
  function taken(place) {
    if (!ready) return;
    desk.dispatch({ type: "strengths", names: Object.keys(limits), strengths: pair[place] ?? {} });
    dialog.close();
  }

  function draw() {
    write(status, ready ? say("explore_count", { count: picks }) : say("explore_making"));
    dialog.setAttribute("aria-busy", String(!ready));
    for (const { element, pick, take } of sides) {
      pick.disabled = take.disabled = !ready;
      if (!ready) element.classList.remove("there");
    }
    if (ready) sides[0]?.pick.focus();
  }

  return {
    /** @param {import("./explore.js").Limits} within */
    open(within) {
      leave();
      shown = true;
      limits = within;
      picks = 0;
      made.clear();
      noise = null;
      if (!dialog.isConnected) document.body.append(dialog);
      dialog.showModal();
      next();
    },
  };
}

/** @param {Record<string, number>} strengths @returns {string} */
export function inWords(strengths) {
  return Object.entries(strengths)
    .map(([name, strength]) => `${name} ${show(strength)}`)
    .join(", ");
}
