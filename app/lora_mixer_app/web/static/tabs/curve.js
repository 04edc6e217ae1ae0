/** A curve of losses as SVG: the mean of some steps each, and dots where held-out pictures were measured. */

const SPACE = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, EDGE] = [640, 200, 44];

/**
 * Draw rows of (step, loss, validation) into an element; nothing while there are fewer than two.
 * @param {HTMLElement} root @param {[number, number, number | null][]} rows
 */
export function curve(root, rows) {
  const drawn = String(rows.length && rows[rows.length - 1][0]);
  if (root.dataset.drawn === drawn) return;
  root.dataset.drawn = drawn;
  root.replaceChildren();
  if (rows.length < 2) return;
  const values = rows.flatMap(([, loss, measured]) => (measured === null ? [loss] : [loss, measured]));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const last = rows[rows.length - 1][0];
  /** @param {number} step */
  const x = (step) => EDGE + ((WIDTH - EDGE - 8) * step) / last;
  /** @param {number} value */
  const y = (value) => 8 + (HEIGHT - 32) * (1 - (value - low) / (high - low || 1));
  const svg = make("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    role: "img",
    "aria-label": `${low.toFixed(4)} – ${high.toFixed(4)}`,
  });
  svg.append(
    text(EDGE - 6, y(high) + 4, high.toFixed(3), "end"),
    text(EDGE - 6, y(low) + 4, low.toFixed(3), "end"),
    text(WIDTH - 8, HEIGHT - 4, String(last), "end"),
    make("polyline", { points: rows.map(([step, loss]) => `${x(step)},${y(loss)}`).join(" "), class: "curve" }),
    ...rows.flatMap(([step, , measured]) =>
      measured === null ? [] : [make("circle", { cx: x(step), cy: y(measured), r: 3, class: "dot" })],
    ),
  );
  root.append(svg);
}

/** @param {string} tag @param {Record<string, string | number>} attributes */
function make(tag, attributes) {
  const element = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** @param {number} x @param {number} y @param {string} said @param {string} anchor */
function text(x, y, said, anchor) {
  const element = make("text", { x, y, "text-anchor": anchor });
  element.textContent = said;
  return element;
}
