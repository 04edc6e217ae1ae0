/**
 * Whether this machine has a font for Chinese. The page brings one for machines without any, and a browser may still show
 * boxes where it drew before that had come: so it is said once, in letters that can be read, what to install.
 */

import { notice } from "./notice.js";
import { language, say } from "./words.js";

const OURS = /,?\s*"LoRA Mixer CJK"/;
const SAID = "lora-mixer-font-said";
const SIZE = 24;

/** @param {string} letter @param {string} fonts @returns {string} How it is drawn. */
function drawn(letter, fonts) {
  const canvas = Object.assign(document.createElement("canvas"), { width: SIZE, height: SIZE });
  const pen = canvas.getContext("2d");
  if (!pen) return letter;
  pen.font = `${SIZE}px ${fonts}`;
  pen.fillText(letter, 0, SIZE - 4);
  return canvas.toDataURL();
}

/** @returns {boolean} Whether the machine's own fonts draw two characters as two: boxes are all alike. */
export function hasChinese() {
  const fonts = getComputedStyle(document.documentElement).getPropertyValue("--letters").replace(OURS, "");
  return drawn("调", fonts) !== drawn("音", fonts);
}

if (language() === "zh" && !localStorage.getItem(SAID) && !hasChinese()) {
  localStorage.setItem(SAID, "yes");
  notice(say("no_chinese_font"));
}
