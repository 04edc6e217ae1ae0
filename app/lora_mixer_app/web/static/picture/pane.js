/** The centre: the picture on its stage, a toolbar over it, what it starts from, and the pictures before it. */

import { Lightbox } from "../common/lightbox.js";
import { fill, h } from "../desk/dom.js";
import { icon } from "../desk/icons.js";
import { say } from "../desk/words.js";
import { comparison } from "./compare.js";
import { filmstrip } from "./filmstrip.js";
import { foundPlaces } from "./found_places.js";
import { masking } from "./masking.js";
import { regionOutlines } from "./region_outlines.js";
import { contained, neighbour, screen } from "./screen.js";
import { Seen } from "./seen.js";
import { starting } from "./start.js";
import { toolbar } from "./toolbar.js";

/** @typedef {import("./screen.js").Screen} Screen */

/** @param {HTMLElement} root @param {import("../desk/store.js").Desk} desk */
export function mount(root, desk) {
  /** @type {number | null} */
  let dismissed = null;
  let placing = 0;
  const seen = new Seen();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let reading;
  const image = h("img", { alt: "", class: "main-picture" });
  const hint = h("p", { class: "stage-hint" }, say("stage_hint"));
  const badge = h("p", { class: "stage-badge", role: "status", hidden: true });
  const frame = h("div", { class: "frame" }, image);
  const stage = h("div", { id: "picture", class: "stage" }, hint, frame, badge);
  const undo = undoOfDelete(desk);
  const films = filmstrip(desk);
  const box = new Lightbox([]);
  const compare = comparison(desk, frame, films.pictures);
  const start = starting(desk, { stage, now });
  const masks = masking(desk, { frame, now, start });
  const outlines = regionOutlines(desk, { frame, stage });
  const found = foundPlaces(desk, frame);
  const tools = toolbar(
    {
      open: enlarge,
      use: ({ picture }) =>
        picture &&
        desk.after(desk.ask("pictures.document", { id: picture.id }), (document) =>
          desk.dispatch({ type: "lay", document }),
        ),
      init: (on) => start.from(on.source),
      mask: () => masks.toggle(),
      pin: async ({ picture }) => {
        if (!picture) return;
        const pinned = await desk.ask("pictures.pin", { id: picture.id, pinned: !picture.pinned });
        if (desk.view.picture?.id === picture.id) desk.look({ picture: pinned }); // else another one is looked at by now
        desk.picturesChanged();
      },
      compare: ({ picture }) => desk.look({ compared: desk.view.compared ? null : picture }),
      delete: async ({ picture }) => {
        if (!picture) return;
        await desk.ask("pictures.delete", { id: picture.id });
        const next = neighbour(films.pictures(), picture.id, 1) ?? neighbour(films.pictures(), picture.id, -1);
        const { picture: looked, compared } = desk.view;
        undo.offer(picture);
        desk.look({
          picture: looked?.id === picture.id ? next : looked,
          compared: compared?.id === picture.id ? null : compared,
        });
        desk.picturesChanged();
      },
      dismiss: ({ number }) => {
        dismissed = number;
        draw(true);
      },
    },
    { now, before: () => seen.before(performance.now()), fail: (error) => desk.fail(error) },
  );
  stage.append(tools.element);

  function now() {
    return screen(desk.shown, desk.view.picture, dismissed);
  }

  /** @param {Screen} on */
  function enlarge(on) {
    if (!on.picture) return on.source && box.open([{ key: "", url: on.source, title: say("picture") }], 0);
    const picture = on.picture;
    const there = films.pictures().find(({ id }) => id === picture.id);
    const shown = there ?? picture; // one that has just come, or is not among those that are looked for
    const pictures = there ? films.pictures() : [picture, ...films.pictures()];
    const items = pictures.map(({ id, url, prompt, seed, record }) => ({
      key: `${id}`,
      url,
      record,
      title: say("seed_of", { seed, prompt }),
    }));
    box.open(items, pictures.indexOf(shown));
  }

  /** @param {boolean} [chosen] Whether somebody chose what is on the screen. */
  function draw(chosen = false) {
    const on = now();
    seen.show(on, performance.now(), chosen);
    const source = masks.backdrop() ?? desk.glance ?? on.source;
    stage.dataset.kind = on.kind;
    hint.hidden = Boolean(source);
    image.hidden = !source;
    if (source && image.getAttribute("src") !== source) image.setAttribute("src", source);
    image.alt = on.picture ? say("colon", { name: say("picture"), value: on.picture.prompt }) : say("picture");
    badge.hidden = on.kind !== "half";
    badge.textContent = on.kind === "half" ? say("half_done") : "";
    fill(record, on.picture?.record ?? "", true);
    films.mark(on.picture?.id ?? null);
    drawTools();
    compare.draw(on);
    outlines.draw();
    found.draw(on);
    cancelAnimationFrame(placing);
    placing = requestAnimationFrame(place); // with the frame's own layout: another one in between takes as long again
  }

  function drawTools() {
    const at = performance.now();
    const next = seen.next(at);
    tools.draw(now(), { compared: desk.view.compared !== null, masking: masks.open, settling: next !== null });
    clearTimeout(reading);
    if (next !== null) reading = setTimeout(drawTools, next - at);
  }

  /** Lay the frame exactly over the picture, so that what is drawn on it is drawn on its pixels. */
  function place() {
    const size =
      masks.size() ??
      (image.naturalWidth && !image.hidden ? { width: image.naturalWidth, height: image.naturalHeight } : asked());
    const at = contained(stage.getBoundingClientRect(), size);
    for (const side of /** @type {const} */ (["left", "top", "width", "height"])) frame.style[side] = `${at[side]}px`;
  }

  /** The size that the desk asks for, which regions lie in while there is no picture. */
  function asked() {
    const { width, height } = desk.document.settings;
    return { width: Number(width) || 512, height: Number(height) || 512 };
  }

  const record = h("textarea", { rows: 5, readonly: true, "aria-label": say("record") });
  const search = h("input", { type: "search", placeholder: say("history_hint"), "aria-label": say("history_hint") });
  search.addEventListener("input", () => films.list(search.value));
  image.addEventListener("load", place);
  image.addEventListener("dblclick", () => enlarge(now()));
  new ResizeObserver(place).observe(stage);
  masks.onChange(() => draw());
  let looked = desk.view.picture;
  let made = desk.shown.done;
  desk.subscribe((topics) => {
    let chosen = false;
    if (topics.has("view") && looked !== desk.view.picture) {
      looked = desk.view.picture;
      chosen = made === desk.shown.done || looked?.id !== desk.shown.done?.picture?.id; // else it came by itself
      made = desk.shown.done;
      if (desk.shown.newest?.kind === "cancelled") dismissed = desk.shown.newest.number; // another one was chosen
    }
    if (topics.has("pictures")) films.list(search.value);
    if (topics.has("document")) {
      start.draw();
      masks.draw();
    }
    if (["shown", "view", "document"].some((topic) => topics.has(/** @type {"shown"} */ (topic)))) draw(chosen);
  });
  films.keys(stage, { remove: () => tools.press("delete"), open: () => enlarge(now()) });
  root.append(
    stage,
    masks.element,
    found.element,
    start.element,
    undo.element,
    h(
      "div",
      { class: "films-head" },
      h("details", { class: "record" }, h("summary", {}, say("record")), h("div", { id: "record" }, record)),
      h("div", { id: "films-search" }, search),
    ),
    films.element,
  );
  start.draw();
  draw();
  films.list("");
}

/**
 * A line that says that a picture went into the bin, and takes it out again.
 * @param {import("../desk/store.js").Desk} desk
 */
function undoOfDelete(desk) {
  /** @type {(() => void) | null} */
  let last = null;
  const text = h("span", { role: "status" });
  const back = h("button", { type: "button", id: "undelete" }, say("undo"));
  const close = h(
    "button",
    { type: "button", class: "icon", "aria-label": say("close"), title: say("close") },
    icon("close"),
  );
  const element = h("div", { class: "undelete", hidden: true }, text, back, close);
  close.addEventListener("click", () => (element.hidden = true));
  back.addEventListener("click", () => {
    if (!last) return;
    desk.cannotTakeBack(last);
    last();
  });
  /** @param {import("../desk/types.js").Picture} picture @param {() => void} mine */
  async function restore(picture, mine) {
    const { picture: looked } = desk.view;
    try {
      const restored = await desk.ask("pictures.restore", { id: picture.id });
      if (desk.view.picture?.id === looked?.id) desk.look({ picture: restored }); // else another one is looked at by now
      desk.picturesChanged();
      if (last === mine) element.hidden = true; // else another one can be taken back
    } catch (error) {
      desk.fail(error);
    }
  }
  return {
    element,
    /** @param {import("../desk/types.js").Picture} picture */
    offer(picture) {
      const mine = () => restore(picture, mine);
      last = mine;
      desk.canTakeBack(mine);
      text.textContent = say("went_to_bin", { seed: picture.seed });
      element.hidden = false;
    },
  };
}
