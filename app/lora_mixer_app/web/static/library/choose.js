/**
 * Which cards are shown, and in which order: pure functions of the cards and of what was chosen.
 *
 * @typedef {import("./types.js").LoraCard} LoraCard
 * @typedef {import("./types.js").Choice} Choice
 */

/** @type {Choice} */
export const EVERYTHING = { text: "", folder: "", base: "", sort: "name", liked: false };
export const FITTING = "fits"; // a base: whatever the open model's is

/** @type {Record<string, (left: LoraCard, right: LoraCard) => number>} */
export const SORTS = {
  name: (left, right) => left.name.localeCompare(right.name, undefined, { numeric: true }),
  newest: (left, right) => right.date - left.date,
  oldest: (left, right) => left.date - right.date,
  largest: (left, right) => right.size - left.size,
};

/**
 * Return the chosen cards: favourites first, then those that fit, each in the chosen order.
 * @param {LoraCard[]} cards @param {Choice} choice @returns {LoraCard[]}
 */
export function chosen(cards, choice) {
  const words = choice.text.toLowerCase().split(/\s+/).filter(Boolean);
  const order = SORTS[choice.sort] ?? SORTS.name;
  return cards
    .filter((card) => fits(card, choice) && words.every((word) => haystack(card).includes(word)))
    .sort((left, right) => rank(left) - rank(right) || order(left, right) || SORTS.name(left, right));
}

/** @param {LoraCard} card @param {Choice} choice @returns {boolean} */
function fits(card, choice) {
  if (choice.liked && !card.favourite) return false;
  if (choice.folder && card.folder !== choice.folder && !card.folder.startsWith(`${choice.folder}/`)) return false;
  if (choice.base === FITTING) return !card.unfit;
  return !choice.base || card.base === choice.base;
}

/** @param {LoraCard} card @returns {number} */
function rank(card) {
  return (card.favourite ? 0 : 1) + (card.unfit ? 2 : 0);
}

/** @param {LoraCard} card @returns {string} */
function haystack(card) {
  return [card.name, card.file, card.description, ...card.words].join(" ").toLowerCase();
}

/**
 * Return the base families of some cards, in order.
 * @param {LoraCard[]} cards @returns {string[]}
 */
export function bases(cards) {
  return [...new Set(cards.map((card) => card.base).filter(Boolean))].sort();
}

/**
 * Return the card that an arrow key leads to in a grid, or the same at an edge.
 * @param {string} key @param {number} place @param {number} count @param {number} columns @returns {number}
 */
export function stepped(key, place, count, columns) {
  const steps = /** @type {Record<string, number>} */ ({
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
  });
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const next = place + (steps[key] ?? 0);
  return next < 0 || next >= count ? place : next;
}
