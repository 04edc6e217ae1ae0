/**
 * A table of buttons as one stop of Tab: arrows, Home and End go on inside (the "grid" pattern of the ARIA Authoring Practices
 * Guide). Buttons that are disabled are passed over.
 */

/** @type {Record<string, [number, number]>} Rows and columns to go. */
const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * Make a table one stop. Its buttons are to be made with `tabindex="-1"`.
 * @param {HTMLTableElement} table @param {string} selector Of its buttons.
 * @returns {() => void} To be called when its buttons have changed: Tab leads to one that is not disabled, if there is one.
 */
export function oneStop(table, selector) {
  /** @param {Element} root @returns {HTMLButtonElement[]} */
  const buttonsOf = (root) => [...root.querySelectorAll(/** @type {"button"} */ (selector))];
  const reached = () => buttonsOf(table).filter((button) => !button.disabled);

  /** @param {HTMLButtonElement} [chosen] */
  const settle = (chosen) => {
    const all = reached();
    const stop = chosen ?? all.find((button) => button.tabIndex === 0) ?? all[0];
    for (const button of all) button.tabIndex = button === stop ? 0 : -1;
  };
  const lines = () => [...table.rows].map(buttonsOf).filter((line) => line.length);

  /** @param {HTMLButtonElement} from @param {KeyboardEvent} event @returns {HTMLButtonElement | undefined} */
  const goal = (from, { key, ctrlKey, metaKey }) => {
    const far = ctrlKey || metaKey;
    const line = (far ? reached() : (lines().find((one) => one.includes(from)) ?? [])).filter(
      ({ disabled }) => !disabled,
    );
    if (key === "Home") return line[0];
    if (key === "End") return line.at(-1);
    return key in STEPS && !far ? next(lines(), from, STEPS[key]) : undefined;
  };

  table.addEventListener("focusin", ({ target }) => target instanceof HTMLButtonElement && settle(target));
  table.addEventListener("keydown", (event) => {
    if (!(event.target instanceof HTMLButtonElement) || event.altKey || event.shiftKey) return;
    const to = goal(event.target, event);
    if (!to) return;
    event.preventDefault();
    to.focus();
  });
  return () => settle();
}

/**
 * Return the nearest button in a direction that is not disabled.
 * @param {HTMLButtonElement[][]} lines @param {HTMLButtonElement} from @param {[number, number]} step
 */
function next(lines, from, [down, right]) {
  let row = lines.findIndex((line) => line.includes(from));
  let column = lines[row]?.indexOf(from) ?? -1;
  /** @type {HTMLButtonElement | undefined} */
  let at;
  do {
    row += down;
    column += right;
    at = lines[row]?.[column];
  } while (at?.disabled);
  return at;
}
