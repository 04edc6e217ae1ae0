/**
 * The prompt's tags as they are typed, before the server has read them. The server's word counts (`facts.tags`): it knows
 * the grammar.
 *
 * @typedef {import("./types.js").Facts} Facts
 * @typedef {import("./types.js").Tag} Tag
 */

const TAG = /<lora:([^:<>]+)((?::[^<>]*)?)>/g;
const PLAIN = /^(?::(-?\d*\.?\d+))?$/;

/**
 * Return the tags that strips stand for: the server's while its facts are about this prompt, else those that can be seen.
 * @param {string} prompt @param {Facts} facts @returns {Tag[]}
 */
export function tagsOf(prompt, facts) {
  return facts.prompt === prompt ? facts.tags : seen(prompt);
}

/** @param {string} prompt @returns {Tag[]} */
export function seen(prompt) {
  return [...prompt.matchAll(TAG)]
    .filter((found) => !inSchedule(prompt, found.index))
    .map((found) => ({
      at: found.index,
      end: found.index + found[0].length,
      strip: { name: found[1] ?? "", strength: Number.parseFloat((found[2] ?? "").slice(1)) || (found[2] ? 0 : 1) },
    }));
}

/**
 * Return whether a tag says a strength and nothing else, so that a slider may rewrite it where it stands.
 * @param {string} prompt @param {Tag} tag @returns {boolean}
 */
export function isPlain(prompt, tag) {
  const text = prompt.slice(tag.at + `<lora:${tag.strip.name}`.length, tag.end - 1);
  return PLAIN.test(text);
}

/** @param {string} name @param {number} strength @returns {string} */
export function tagText(name, strength) {
  return `<lora:${name}:${strength}>`;
}

/** @param {string} prompt @param {number} at @returns {boolean} */
function inSchedule(prompt, at) {
  let depth = 0;
  for (let place = 0; place < at; place += 1) {
    if (prompt[place] === "\\") place += 1;
    else if (prompt[place] === "[") depth += 1;
    else if (prompt[place] === "]") depth = Math.max(0, depth - 1);
  }
  return depth > 0;
}
