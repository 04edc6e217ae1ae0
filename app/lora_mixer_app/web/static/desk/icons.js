/** Signs that no font need have. */

const SPACE = "http://www.w3.org/2000/svg";

/** Paths on a field of 16 by 16. */
const PATHS = {
  dice: "M2 2h12v12H2zM5 5h.01M11 5h.01M8 8h.01M5 11h.01M11 11h.01",
  lock: "M3 7h10v7H3zM5 7V5a3 3 0 0 1 6 0v2",
  reuse: "M13 8a5 5 0 1 1-1.5-3.5M13 1.5v3.5H9.5",
};

/** @param {keyof typeof PATHS} name @returns {Element} */
export function icon(name) {
  const sign = document.createElementNS(SPACE, "svg");
  sign.setAttribute("viewBox", "0 0 16 16");
  sign.setAttribute("class", "sign");
  sign.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SPACE, "path");
  path.setAttribute("d", PATHS[name]);
  sign.append(path);
  return sign;
}
