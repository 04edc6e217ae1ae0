/**
 * What changes do to the regions of a document: pure functions for the reducer.
 *
 * A region names strips by their numbers, and only strips that are there.
 *
 * @typedef {import("./types.js").Document} Document
 * @typedef {import("./types.js").Region} Region
 * @typedef {import("./types.js").Strip} Strip
 */

/** @type {Omit<Region, "number">} */
const PLAIN = { prompt: "", negative: null, mask: "auto", strips: [], weight: 1, feather: 0, words: "" };

/** @param {Document} document @param {Partial<Region>} region @returns {Document} */
export function withRegion(document, region) {
  const there = document.regions ?? [];
  return { ...document, regions: [...there, { ...PLAIN, ...region, number: nextRegion(document) }] };
}

/** The number that the next region will have. @param {Document} document @returns {number} */
export function nextRegion(document) {
  return 1 + Math.max(0, ...(document.regions ?? []).map((region) => region.number));
}

/** @param {Document} document @param {number} number @returns {Document} */
export function without(document, number) {
  return { ...document, regions: (document.regions ?? []).filter((region) => region.number !== number) };
}

/** @param {Document} document @param {number} number @returns {Document} */
export function withoutStrip(document, number) {
  const strips = document.strips.filter((strip) => strip.number !== number);
  if (!document.regions?.some((region) => region.strips.includes(number))) return { ...document, strips };
  const regions = document.regions.map((region) => ({ ...region, strips: region.strips.filter((n) => n !== number) }));
  return { ...document, strips, regions };
}

/**
 * Return regions that name strips by the numbers these have after, instead of those before.
 * @param {Region[]} regions @param {Strip[]} before @param {Strip[]} after In the same order. @returns {Region[]}
 */
export function renamed(regions, before, after) {
  const numbers = new Map(before.map((strip, place) => [strip.number, after[place]?.number]));
  return regions.map((region) => ({
    ...PLAIN,
    ...region,
    strips: region.strips.flatMap((number) => numbers.get(number) ?? []),
  }));
}

/**
 * Return a document's regions with the strips of other numbers that are called as theirs were; undefined without regions.
 * @param {Document} document @param {Strip[]} after @returns {Region[] | undefined}
 */
export function sameNames(document, after) {
  return document.regions?.map((region) => {
    const names = new Set(document.strips.filter((one) => region.strips.includes(one.number)).map((one) => one.name));
    return { ...region, strips: after.filter((strip) => names.has(strip.name)).map((strip) => strip.number) };
  });
}
