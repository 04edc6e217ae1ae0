/** The mix pad's coarse grid: pictures of places between the corners, rendered while nobody waits, shown while the dot is dragged. */

import { gridOf, nearest } from "./pad_path.js";
import { changed } from "./reducer.js";

/**
 * @typedef {import("./pad_path.js").At} At
 * @typedef {import("./types.js").Document} Document
 */

const MOST = 200; // pictures that are kept

/**
 * @param {import("./store.js").Desk} desk
 * @param {{ wanted: () => boolean, told: (done: number, of: number) => void }} given Whether somebody looks at the pad; what
 *   hears how many places are ready.
 */
export function padGrid(desk, { wanted, told }) {
  /** Pictures by what was asked for. @type {Map<string, string>} */
  const made = new Map();
  let busy = false;
  let held = false; // the dot, by somebody

  /** The document with the dot at a place. @param {At} at @returns {Document} */
  const at = (at) => changed(desk.document, { type: "pad.move", at });
  /** What a place's picture hangs on. @param {Document} document */
  const keyOf = (document) =>
    JSON.stringify([{ ...document, pad: null }, document.settings.seed === -1 ? desk.view.picture?.seed : null]);
  const places = () => (desk.document.pad ? gridOf(desk.document.pad.corners.length) : []);

  function left() {
    return places().filter((place) => !made.has(keyOf(at(place))));
  }

  function tell() {
    const all = places().length;
    told(all - left().length, wanted() && desk.view.live ? all : 0);
  }

  /** Render the next place, as long as nobody wants anything else. */
  async function go() {
    tell();
    if (busy || desk.rendering || !wanted() || !desk.view.live || document.hidden || !desk.view.picture) return;
    const [place] = left();
    if (!place) return;
    busy = true;
    const wish = at(place);
    const key = keyOf(wish);
    try {
      const { url } = await desk.ask("side.render", { kind: "idle", document: wish, noise: desk.view.picture.id });
      made.set(key, url);
      if (made.size > MOST) made.delete(made.keys().next().value ?? "");
    } catch {
      busy = false;
      return tell(); // somebody turned a knob, whose render goes first; what is wrong, that one tells
    }
    busy = false;
    go();
  }

  desk.subscribe((topics) => {
    if (topics.has("view") && (desk.isRendered || !(held || desk.rendering))) desk.peek(null);
    if (desk.glance && topics.has("document") && !desk.document.pad) desk.peek(null);
    if (topics.has("view") || topics.has("document") || (topics.has("shown") && !desk.rendering)) go();
  });

  return {
    go,
    /** Show the picture of the nearest place of the grid, until the dot's own comes. @param {At} dot @param {boolean} settled */
    glance(dot, settled) {
      held = !settled;
      const all = places();
      const url = all.length ? made.get(keyOf(at(nearest(all, dot)))) : undefined;
      if (url) desk.peek(url);
    },
  };
}
