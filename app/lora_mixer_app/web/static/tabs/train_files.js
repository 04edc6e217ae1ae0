/** Where the files of a training are found. */

/** @param {string} kind @param {string} training @param {string} name */
export function fileOf(kind, training, name) {
  return `panes/${kind}?training=${encodeURIComponent(training)}&file=${encodeURIComponent(name)}`;
}
