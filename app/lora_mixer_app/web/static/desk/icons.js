/** Signs that no font need have. */

const SPACE = "http://www.w3.org/2000/svg";

/**
 * Lines on a square of so many units.
 * @type {Record<string, [number, string]>}
 */
const PATHS = {
  dice: [16, "M2 2h12v12H2zM5 5h.01M11 5h.01M8 8h.01M5 11h.01M11 11h.01"],
  lock: [16, "M3 7h10v7H3zM5 7V5a3 3 0 0 1 6 0v2"],
  reuse: [16, "M13 8a5 5 0 1 1-1.5-3.5M13 1.5v3.5H9.5"],
  add: [24, "M12 5v14M5 12h14"],
  again: [24, "M20 11a8 8 0 1 0-2 6M20 4v7h-7"],
  brush: [24, "M14 4l6 6-8 8-6-6zM6 12c-3 1-2 5-4 7 4 1 8 0 8-3"],
  close: [24, "M6 6l12 12M18 6L6 18"],
  compare: [24, "M4 5h16v14H4zM12 3v18"],
  delete: [24, "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10 11v5M14 11v5"],
  dismiss: [24, "M6 6l12 12M18 6L6 18"],
  download: [24, "M12 4v11M7 11l5 5 5-5M5 20h14"],
  erase: [24, "M4 15l9-9 6 6-7 7H8zM9 10l6 6M6 20h13"],
  init: [24, "M4 6v12h6M4 6h6M9 12h11M16 8l4 4-4 4"],
  mask: [24, "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3"],
  open: [24, "M9 4H4v5M15 4h5v5M9 20H4v-5M15 20h5v-5"],
  pin: [24, "M12 3l2.7 5.8 6.3.8-4.6 4.3 1.2 6.2L12 17l-5.6 3.1 1.2-6.2L3 9.6l6.3-.8z"],
  rectangle: [24, "M4 6h16v12H4z"],
  undo: [24, "M9 7L4 12l5 5M4 12h10a5 5 0 0 1 5 5v1"],
  convert: [24, "M4 12h11M11 7l5 5-5 5M20 5v14"],
  more: [24, "M5 11.5h1v1h-1zM11.5 11.5h1v1h-1zM18 11.5h1v1h-1z"],
  redo: [24, "M15 7l5 5-5 5M20 12H10a5 5 0 0 0-5 5v1"],
  use: [24, "M4 12a8 8 0 1 1 3 6M4 19v-6h6M12 8v5l3 2"],
};

/** @param {string} name @returns {Element} */
export function icon(name) {
  const [side, lines] = PATHS[name] ?? [1, ""];
  const sign = document.createElementNS(SPACE, "svg");
  sign.setAttribute("viewBox", `0 0 ${side} ${side}`);
  sign.setAttribute("class", "sign");
  sign.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SPACE, "path");
  path.setAttribute("d", lines);
  sign.append(path);
  return sign;
}
