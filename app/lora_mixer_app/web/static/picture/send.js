/** Sending pictures to the server, which keeps them by their digests: the document holds only that. */

import { say } from "../desk/words.js";

/** @typedef {{ id: string, width: number, height: number }} Sent */

/**
 * @param {Blob} picture @returns {Promise<Sent>}
 * @throws {Error} What the server has against it, in a sentence.
 */
export async function sendPicture(picture) {
  const answer = await fetch("panes/input", { method: "PUT", body: picture });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error ?? said(told) ?? say("no_answer"));
  return told;
}

/** @param {{ detail?: string }} told */
function said(told) {
  return told.detail;
}

/** @param {string} id @returns {string} */
export function addressOf(id) {
  return `panes/input?id=${id}`;
}
