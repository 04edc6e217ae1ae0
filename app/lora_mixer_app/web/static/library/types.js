/**
 * The types of the library pane. There is no code here.
 *
 * @typedef {object} LoraCard A LoRA, as `panes/library.py` tells of it.
 * @property {string} name
 * @property {string} file
 * @property {string} folder
 * @property {number} date Milliseconds.
 * @property {number} size Bytes.
 * @property {string} base
 * @property {string | null} unfit Why it does not fit the open model.
 * @property {boolean} texts
 * @property {string[]} words
 * @property {number} strength
 * @property {[number, number] | null} range
 * @property {string} description
 * @property {boolean} favourite
 * @property {string} stamp Changes with the file and its preview.
 *
 * @typedef {object} BrokenFile
 * @property {string} file
 * @property {string} folder
 * @property {string} reason
 *
 * @typedef {object} Listing
 * @property {string} stamp
 * @property {boolean} [same] Nothing changed since that stamp, and the rest is left out.
 * @property {LoraCard[]} loras
 * @property {BrokenFile[]} broken
 * @property {string[]} folders
 * @property {string[]} takes Folders that new files may go into.
 * @property {boolean} pending
 *
 * @typedef {object} Choice What somebody looks for.
 * @property {string} text
 * @property {string} folder
 * @property {string} base
 * @property {string} sort
 * @property {boolean} liked
 */

export {};
