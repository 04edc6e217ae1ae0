/**
 * What may be completed at the caret of a prompt, as pure functions.
 *
 * @typedef {{ loras: string[], embeddings: string[], wildcards: string[], words: string[] }} Names
 * @typedef {{ text: string, value: string, hint: string }} Completion
 * @typedef {{ start: number, choices: Completion[] }} Offer Choices for what stands from `start` to the caret.
 */

const LORA = /<l(?:o(?:r(?:a(?::([^:<>\n]*))?)?)?)?$/i;
const WILDCARD = /__([\w/.-]*)$/;
const WORD = /[^\s,()[\]{}<>|:]{2,}$/;

/**
 * Return what may be completed before a caret; null if nothing.
 * @param {string} text @param {number} caret @param {Names} names
 * @param {{lora: string, embedding: string, wildcard: string, word: string}} hints What each kind is called.
 * @returns {Offer | null}
 */
export function offerAt(text, caret, names, hints) {
  const before = text.slice(0, caret);
  const lora = LORA.exec(before);
  if (lora) return offer(lora.index, names.loras, lora[1] ?? "", (name) => `<lora:${name}:1>`, hints.lora);
  const wildcard = WILDCARD.exec(before);
  if (wildcard)
    return offer(wildcard.index, names.wildcards, wildcard[1] ?? "", (name) => `__${name}__`, hints.wildcard);
  const word = WORD.exec(before);
  if (!word) return null;
  const found = [
    ...fitting(names.embeddings, word[0]).map((name) => ({ text: name, value: name, hint: hints.embedding })),
    ...fitting(names.words, word[0]).map((name) => ({ text: name, value: name, hint: hints.word })),
  ].filter((choice) => choice.value !== word[0]);
  return found.length ? { start: word.index, choices: found } : null;
}

/**
 * @param {number} start @param {string[]} all @param {string} wanted
 * @param {(name: string) => string} written @param {string} hint @returns {Offer | null}
 */
function offer(start, all, wanted, written, hint) {
  const choices = fitting(all, wanted).map((name) => ({ text: name, value: written(name), hint }));
  return choices.length ? { start, choices } : null;
}

/** Names that hold a text, those that begin with it first. @param {string[]} names @param {string} text */
function fitting(names, text) {
  const wanted = text.toLowerCase();
  const begin = names.filter((name) => name.toLowerCase().startsWith(wanted));
  return [...begin, ...names.filter((name) => !begin.includes(name) && name.toLowerCase().includes(wanted))];
}
