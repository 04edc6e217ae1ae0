/**
 * What a mask may be drawn of: a row each, with where the document says it and what is done when it was drawn.
 *
 * @typedef {import("../desk/store.js").Desk} Desk
 * @typedef {import("../desk/reducer.js").Action} Action
 * @typedef {{ id: string }} MaskRef
 * @typedef {{ key: string, label: string, said: MaskRef | number[] | null, drawn: (ref: MaskRef) => Action, cleared: (() => Action | null) | null }} Target
 *   `cleared` is what is done when nothing is painted any more; null where a mask of nothing is still a mask.
 */

import { nextRegion } from "../desk/region_changes.js";
import { nameOf } from "../desk/region_names.js";
import { say } from "../desk/words.js";

export const INPAINT = "inpaint";

/** The key of a region. @param {number} number */
export function ofRegion(number) {
  return `region ${number}`;
}

/** @param {Desk} desk @returns {Target[]} */
export function targets(desk) {
  const { start, strips, regions = [] } = desk.document;
  return [
    {
      key: INPAINT,
      label: say("mask_inpaint"),
      said: start?.mask ?? null,
      drawn: (mask) => ({ type: "start", values: { mask } }),
      cleared: () => ({ type: "start", values: { mask: null } }),
    },
    ...strips.map(({ number, name, mask }) => ({
      key: String(number),
      label: say("mask_lora", { name }),
      said: mask,
      drawn: (/** @type {MaskRef} */ ref) =>
        /** @type {Action} */ ({ type: "strip.set", number, values: { mask: ref } }),
      cleared: () => /** @type {Action} */ ({ type: "strip.set", number, values: { mask: null } }),
    })),
    ...regions.map((region) => ({
      key: ofRegion(region.number),
      label: say("region_named", { number: region.number, name: nameOf(region) }),
      said: typeof region.mask === "string" ? null : region.mask,
      drawn: (/** @type {MaskRef} */ mask) =>
        /** @type {Action} */ ({ type: "region.set", number: region.number, values: { mask } }),
      cleared: null,
    })),
    {
      key: ofRegion(nextRegion(desk.document)), // which it has once it is there
      label: say("region_new"),
      said: null,
      drawn: (mask) => ({ type: "region.add", region: { mask } }),
      cleared: () => null,
    },
  ];
}
