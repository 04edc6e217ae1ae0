/** What the browser keeps: each tab its own, so that a reload loses nothing; a new tab begins as the last one was. */

const PLACES = [() => sessionStorage, () => localStorage];

/**
 * Return what is kept under a name, as it may be read from one place; null if nothing is.
 * @param {string} name @param {() => Storage} where @returns {any}
 */
function read(name, where) {
  try {
    return JSON.parse(where().getItem(name) ?? "null");
  } catch {
    return null;
  }
}

/** Return what this tab keeps under a name; null if nothing. @param {string} name @returns {any} */
export function own(name) {
  return read(name, () => sessionStorage);
}

/** Return what the last tab kept under a name; null if nothing. @param {string} name @returns {any} */
export function others(name) {
  return read(name, () => localStorage);
}

/** @param {string} name @param {unknown} value */
export function keepValue(name, value) {
  const text = JSON.stringify(value);
  for (const where of PLACES) {
    try {
      where().setItem(name, text);
    } catch {
      // a full or forbidden memory: the page goes on, and a reload begins anew
    }
  }
}
