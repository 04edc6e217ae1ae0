/**
 * All modules of the page in one answer. The server (`serving/joined.py`) writes them below: each is a function that is run
 * when its module is first used, and returns what that exports.
 *
 * @typedef {Record<string, any>} Exports
 */

/** @type {Map<string, () => Exports>} */
const defined = new Map();
/** @type {Map<string, Exports>} */
const used = new Map();

/**
 * Take a module.
 * @param {string} name Its path within this folder.
 * @param {() => Exports} module
 */
export function define(name, module) {
  defined.set(name, module);
}

/**
 * Return what a module exports. It is run once, however many use it.
 * @param {string} name Its path within this folder.
 * @returns {Exports}
 */
export function use(name) {
  let exports = used.get(name);
  if (!exports) {
    const module = defined.get(name);
    if (!module) throw new Error(`there is no module ${name}`);
    exports = module();
    used.set(name, exports);
  }
  return exports;
}
