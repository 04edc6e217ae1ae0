/** The right pane: prompts, strips, settings. */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { mountBalance } from "./balance.js";
import { mountExplore } from "./explore.js";
import { mountMethod } from "./method.js";
import { mountMixes } from "./mixes.js";
import { mountPad } from "./pad.js";
import { mountRegions } from "./regions.js";
import { mountPrompts } from "./prompt.js";
import { mountSettings } from "./settings.js";
import { mountStrips } from "./strips.js";
import { say } from "./words.js";

/** @param {HTMLElement} root @param {import("./store.js").Desk} desk */
export function mount(root, desk) {
  const undo = h(
    "button",
    {
      id: "undo",
      type: "button",
      class: "icon",
      title: say("undo"),
      "aria-label": say("undo"),
      onclick: () => desk.undo(),
    },
    icon("undo"),
  );
  const redo = h(
    "button",
    {
      id: "redo",
      type: "button",
      class: "icon",
      title: say("redo"),
      "aria-label": say("redo"),
      onclick: () => desk.redo(),
    },
    icon("redo"),
  );
  const prompts = h("div", { class: "prompts" });
  const strips = h("div", { class: "strips-part" });
  const regions = h("div", { class: "regions-part" });
  const settings = h("div", { class: "settings-part" });
  const mixes = h("div", { class: "mixes-part" });
  root.append(h("div", { class: "mix-head" }, undo, redo), prompts, strips, regions, settings, mixes);
  mountPrompts(prompts, desk);
  mountStrips(strips, desk);
  mountMethod(strips, desk);
  mountBalance(strips, desk);
  mountRegions(regions, desk);
  mountSettings(settings, desk);
  mountPad(mixes, desk);
  mountExplore(mixes, desk);
  mountMixes(mixes, desk);
  const draw = () => {
    undo.disabled = !desk.canUndo;
    redo.disabled = !desk.canRedo;
  };
  desk.subscribe((topics) => topics.has("document") && draw());
  draw();
}
