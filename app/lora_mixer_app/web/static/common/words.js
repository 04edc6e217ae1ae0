/** The page's sentences, for modules that begin before the desk does: Gradio has the table of `web/i18n.py` in its own. */

import { useWords } from "../desk/words.js";

export { language, say } from "../desk/words.js";

const OURS = "lora_mixer_";
const { en = {}, zh = {} } = window.gradio_config?.i18n_translations ?? {};
const keys = Object.keys(en).filter((key) => key.startsWith(OURS));
useWords(Object.fromEntries(keys.map((key) => [key.slice(OURS.length), [en[key], zh[key] ?? en[key]]])));
