/** The page's sentences, for modules that begin before the desk does: Gradio has the table of `web/i18n.py` in its own. */

import { useWords } from "../desk/words.js";

export { language, say } from "../desk/words.js";

/** @typedef {Record<string, string>} Table */

const OURS = "lora_mixer_";
/** What Gradio's page knows of itself: the sentences by language, and who is logged in. */
export const gradio =
  /** @type {{ gradio_config?: { username?: string, i18n_translations?: { en?: Table, zh?: Table } } }} */ (window)
    .gradio_config ?? {};
const { en = {}, zh = {} } = gradio.i18n_translations ?? {};
const keys = Object.keys(en).filter((key) => key.startsWith(OURS));
useWords(Object.fromEntries(keys.map((key) => [key.slice(OURS.length), [en[key], zh[key] ?? en[key]]])));
