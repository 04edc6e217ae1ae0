/**
 * Whether this machine has a font for Chinese. The page brings one for machines without any, has all letters laid out again
 * when that has come, and says once, in letters that can be read, what to install.
 */

import { notice } from "./notice.js";
import { language, say } from "./words.js";

const OURS = /,?\s*"LoRA Mixer CJK"/;
/** The language of the page by its longer name. */
const LONGER = "zh-Hans-CN";
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

/**
 * Lay out all letters again when the page's own font has come. Chromium keeps boxes of before in some sizes and weights, whatever
 * is laid out anew, but for letters of a language of another name: which language that is says its font how to draw them.
 */
async function drawAgain() {
  await document.fonts.load(`${SIZE}px "LoRA Mixer CJK"`, "调");
  document.body.lang = LONGER;
}

if (language() === "zh" && !hasChinese()) {
  drawAgain().catch(() => {}); // without it boxes stay, and the notice says what helps
  if (!localStorage.getItem(SAID)) {
    localStorage.setItem(SAID, "yes");
    notice(say("no_chinese_font"));
  }
}
