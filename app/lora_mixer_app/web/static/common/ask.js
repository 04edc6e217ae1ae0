/** Questions to the server (`web/panes`) that are answered by JSON; what it has against one is said at the bottom of the page. */

import { say } from "./words.js";
import { notice } from "./notice.js";

/**
 * Ask something.
 * @param {string} name A row of `web/panes/questions.py`.
 * @param {object} [data]
 * @param {(says: string) => void} [wrong] Hears what the server has against it, to say it where it belongs.
 * @returns {Promise<any>} The answer; undefined where there is none, which has been said then.
 */
export async function ask(name, data = {}, wrong = (says) => notice(says, { kind: "error" })) {
  try {
    const answer = await fetch(new URL(`panes/${name}`, document.baseURI), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(data),
    });
    const told = await answer.json();
    if (answer.ok) return told;
    wrong(told?.error ?? say("no_answer"));
  } catch {
    wrong(say("no_answer"));
  }
  return undefined;
}

/** Where a browser finds a file of the server's. @param {string} path */
export function link(path) {
  return `gradio_api/file=${path.split("/").map(encodeURIComponent).join("/")}`;
}
