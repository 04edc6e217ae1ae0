/**
 * A grid of buttons and boxes as one stop of Tab: arrows, Home and End go on inside (the "grid" pattern of the ARIA Authoring
 * Practices Guide). What is disabled or hidden is passed over.
 *
 * @typedef {HTMLButtonElement | HTMLInputElement} Control
 */

/** @type {Record<string, [number, number]>} Rows and columns to go. */
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** @param {Control} control */
const isOut = (control) => control.disabled || control.hidden;

/**
 * Make a grid one stop. Its controls are to be made with `tabindex="-1"`.
 * @param {HTMLElement} grid @param {string} selector Of its controls.
 * @param {() => Element[][]} [rows] Returns what stands in each of its lines; a table's rows where nothing is said.
 * @returns {() => void} To be called when its controls have changed: Tab leads to one that is not disabled, if there is one.
 */
export function oneStop(grid, selector, rows = () => [...grid.querySelectorAll("tr")].map((row) => [row])) {
  /** @param {Element} root @returns {Control[]} */
  const controlsOf = (root) => [...root.querySelectorAll(/** @type {"button"} */ (selector))];
  const reached = () => controlsOf(grid).filter((control) => !isOut(control));

  /** @param {Control} [chosen] */
  const settle = (chosen) => {
    const all = reached();
    const stop = chosen ?? all.find((control) => control.tabIndex === 0) ?? all[0];
    for (const control of controlsOf(grid)) control.tabIndex = control === stop ? 0 : -1;
  };
  const lines = () =>
    rows()
      .map((row) => row.flatMap(controlsOf))
      .filter((line) => line.length);

  /** @param {Control} from @param {KeyboardEvent} event @returns {Control | undefined} */
  const goal = (from, { key, ctrlKey, metaKey }) => {
    const far = ctrlKey || metaKey;
    const line = far ? reached() : (lines().find((one) => one.includes(from)) ?? []).filter((one) => !isOut(one));
    if (key === "Home") return line[0];
    if (key === "End") return line.at(-1);
    return key in STEPS && !far ? next(lines(), from, STEPS[key]) : undefined;
  };
  /** @param {Event} event */
  const controlOf = ({ target }) =>
    target instanceof Element && target.matches(selector) ? /** @type {Control} */ (target) : null;

  grid.addEventListener("focusin", (event) => {
    const control = controlOf(event);
    if (control) settle(control);
  });
  grid.addEventListener("keydown", (event) => {
    const from = controlOf(event);
    if (!from || event.altKey || event.shiftKey) return;
    const to = goal(from, event);
    if (!to) return;
    event.preventDefault();
    to.focus();
  });
  return () => settle();
}

/**
 * Return the nearest control in a direction that is neither disabled nor hidden.
 * @param {Control[][]} lines @param {Control} from @param {[number, number]} step
 */
function next(lines, from, [down, right]) {
  let row = lines.findIndex((line) => line.includes(from));
  let column = lines[row]?.indexOf(from) ?? -1;
  /** @type {Control | undefined} */
  let at;
  do {
    row += down;
    column += right;
    at = lines[row]?.[column];
  } while (at && isOut(at));
  return at;
}
