/** What the page says, in the browser's language; the table is `web/i18n.py`. */

/** @type {Record<string, [string, string]>} */
let words = {};

/** @param {Record<string, [string, string]>} table */
export function useWords(table) {
  words = table;
}

/**
 * Return what a value is called, where it is called otherwise than by its name in the browser's language.
 * @param {Record<string, string> | undefined} chinese @param {string} name @returns {string}
 */
export function called(chinese, name) {
  return (language() === "zh" && chinese?.[name]) || name;
}

/** @returns {"en" | "zh"} */
export function language() {
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/**
 * Return a sentence of the table; `{name}` is filled in.
 * @param {string} key @param {Record<string, string | number>} [values] @returns {string}
 */
export function say(key, values = {}) {
  const row = words[key];
  if (!row) throw new Error(`no sentence called ${key}`);
  return row[language() === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
