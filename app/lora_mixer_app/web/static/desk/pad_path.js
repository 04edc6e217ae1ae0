/**
 * Places on the mix pad: the coarse grid that is rendered ahead, and the way from corner to corner.
 *
 * @typedef {[number, number]} At From the left and from the top, 0 to 1.
 */

const ALONG = 9; // places of a crossfader
const SIDE = 5; // of a square, a side

/** Where corners lie, in the order of a way around. @type {Record<number, At[]>} */
const CORNERS = {
  2: [
    [0, 0],
    [1, 0],
  ],
  3: [
    [0, 0],
    [1, 0],
    [0.5, 1],
  ],
  4: [
    [0, 0],
    [1, 0],
    [1, 1],
    [0, 1],
  ],
};

/** Return the places of a pad's grid, those near its middle first. @param {number} corners @returns {At[]} */
export function gridOf(corners) {
  const range = (/** @type {number} */ count) => Array.from({ length: count }, (_, at) => at / (count - 1));
  const rows = corners < 3 ? [0] : range(SIDE);
  const places = rows.flatMap((y) => range(corners < 3 ? ALONG : SIDE).map((x) => /** @type {At} */ ([x, y])));
  const far = (/** @type {At} */ [x, y]) => Math.hypot(x - 0.5, corners < 3 ? 0 : y - 0.5);
  return places.sort((left, right) => far(left) - far(right));
}

/** Return the place of a grid that is nearest to a dot. @param {At[]} places @param {At} at @returns {At} */
export function nearest(places, [x, y]) {
  const far = (/** @type {At} */ place) => Math.hypot(place[0] - x, place[1] - y);
  return places.reduce((best, place) => (far(place) < far(best) ? place : best));
}

/**
 * Return a way over the pad in even steps: from its first corner to its last, or around.
 * @param {number} corners @param {number} count @param {boolean} around @returns {At[]}
 */
export function wayOf(corners, count, around) {
  const stops = CORNERS[corners] ?? [];
  const legs = stops.map((from, at) => legOf(from, stops[(at + 1) % stops.length] ?? from));
  if (!around) legs.pop();
  return Array.from({ length: count }, (_, place) => {
    const along = (place * legs.length) / (around ? count : Math.max(count - 1, 1));
    const at = Math.min(Math.floor(along), legs.length - 1);
    const [[fromX, fromY], [toX, toY]] = legs[at] ?? [
      [0, 0],
      [0, 0],
    ];
    const share = along - at;
    return [fromX + share * (toX - fromX), fromY + share * (toY - fromY)];
  });
}

/** The way between two corners; the third of three is the whole lower side, so that ways to it go straight down. @param {At} from @param {At} to @returns {[At, At]} */
function legOf(from, to) {
  if (to[0] === 0.5) return [from, [from[0], 1]];
  return from[0] === 0.5 ? [[to[0], 1], to] : [from, to];
}
