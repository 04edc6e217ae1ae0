/** A film of the way from corner to corner of the mix pad: its pictures one by one, then a file to download. */

import { h, write } from "./dom.js";
import { readNumber } from "./numbers.js";
import { wayOf } from "./pad_path.js";
import { changed } from "./reducer.js";
import { say } from "./words.js";

const MOST = 240;
const FASTEST = 60;

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mountFilm(root, desk) {
  const count = number("film_frames", "16");
  const fps = number("film_fps", "8");
  const around = h("input", { type: "checkbox", id: "film-around" });
  const ending = h(
    "select",
    { id: "film-ending", "aria-label": say("film_ending") },
    ...desk.first.films.map((one) => h("option", { value: one }, one.slice(1).toUpperCase())),
  );
  const go = h("button", { type: "button", id: "film-make" }, say("film_go"));
  const wrong = h("p", { class: "wrong", role: "alert" });
  const said = h("p", { class: "small", role: "status", id: "film-said" });
  const bar = h("progress", { max: 1, value: 0, hidden: true, "aria-label": say("film") });
  const shown = h("img", { class: "film-shown", alt: say("film"), hidden: true });
  const link = h("a", { class: "button", id: "film-get", download: "", hidden: true }, say("film_get"));
  root.append(
    h("h3", { class: "small" }, say("film")),
    h(
      "div",
      { class: "film-row" },
      h("label", { class: "small" }, say("film_frames"), " ", count),
      h("label", { class: "small" }, say("film_fps"), " ", fps),
      ending,
      h("label", { class: "check" }, around, h("span", {}, say("film_around"))),
    ),
    h("div", { class: "buttons" }, go, link),
    wrong,
    bar,
    said,
    shown,
  );
  let turn = 0;
  let making = false;
  /** Ends when the server has stopped what was made before: else it stops what comes after. @type {Promise<void>} */
  let stopped = Promise.resolve();

  /** @param {boolean} on */
  function mark(on) {
    making = on;
    write(go, say(on ? "cancel" : "film_go"));
    bar.hidden = !on;
  }

  async function make() {
    const [frames, speed] = [within(count, 2, MOST, true), within(fps, 0.1, FASTEST, false)];
    const base = desk.document; // as the button was pressed: whatever is turned meanwhile is no part of it
    const form = ending.value;
    const noise = desk.view.picture?.id ?? null;
    const { pad } = base;
    if (frames === null || speed === null || !pad) return;
    const mine = ++turn;
    mark(true);
    await stopped;
    const folder = await begin(form); // before any work: what cannot be written here is said beside its field
    if (mine !== turn) return;
    if (folder === null) return mark(false);
    link.hidden = shown.hidden = true;
    const began = performance.now();
    try {
      for (const [frame, at] of wayOf(pad.corners.length, frames, around.checked).entries()) {
        tell(frame, frames, began);
        const document = changed(base, { type: "pad.move", at });
        const { url } = await desk.ask("side.render", { kind: "film", document, noise, folder, frame });
        if (mine !== turn) return;
        shown.src = url;
        shown.hidden = false;
      }
      tell(frames, frames, began);
      const film = await desk.ask("film.end", { folder, ending: form, fps: speed });
      if (mine !== turn) return;
      link.href = film.url;
      link.download = film.name;
      link.hidden = false;
      if (form !== ".mp4") shown.src = film.url;
      write(said, say("film_done", { name: film.name, frames: film.frames }));
    } catch (error) {
      if (mine === turn) desk.fail(error);
    }
    if (mine === turn) mark(false);
  }

  /** @param {string} form @returns {Promise<string | null>} The folder of a new film; null if there can be none, which is said. */
  async function begin(form) {
    try {
      const folder = await desk.ask("film.begin", { ending: form });
      ending.removeAttribute("aria-invalid");
      return folder;
    } catch (error) {
      write(wrong, error instanceof Error ? error.message : String(error));
      ending.setAttribute("aria-invalid", "true");
      return null;
    }
  }

  /** @param {number} done @param {number} of @param {number} began */
  function tell(done, of, began) {
    const left = done ? Math.ceil((((performance.now() - began) / done) * (of - done)) / 1000) : null;
    bar.value = done / of;
    const parts = [say("film_making", { done, of }), left === null ? "" : say("film_left", { left })];
    write(said, parts.filter(Boolean).join(say("comma")));
  }

  /** @param {HTMLInputElement} box @param {number} low @param {number} high @param {boolean} whole */
  function within(box, low, high, whole) {
    const value = readNumber(box.value);
    const good = value !== null && value >= low && value <= high && (!whole || Number.isInteger(value));
    write(wrong, good ? "" : say(whole ? "whole_wrong" : "number_wrong", { low, high }));
    return good ? value : null;
  }

  function stop() {
    turn += 1;
    mark(false);
    write(said, say("film_stopped"));
    stopped = desk.ask("side.cancel", { kind: "film" }).catch((error) => desk.fail(error));
  }
  go.addEventListener("click", () => void (making ? stop() : make()));
}

/** @param {string} key @param {string} value */
function number(key, value) {
  const box = h("input", { type: "text", inputmode: "decimal", class: "number", id: key.replace("_", "-") });
  box.value = value;
  box.setAttribute("aria-label", say(key));
  return box;
}
