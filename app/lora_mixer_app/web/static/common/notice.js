/** What the page has to say by the way: one line at the bottom left, the newest only, with one thing to do about it. */

import { h } from "../desk/dom.js";
import { say } from "./words.js";

const SHOWN = 12_000; // milliseconds

/** @type {HTMLElement | null} */
let bar = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let leaving;

/**
 * Say something. Texts are texts: nothing in them is markup.
 * @param {string} text
 * @param {{ kind?: "info" | "error", action?: { label: string, run: () => void } }} [how]
 */
export function notice(text, { kind = "info", action } = {}) {
  bar ??= document.body.appendChild(h("div", { class: "notices" }));
  const close = () => bar?.replaceChildren();
  const act = () => {
    close();
    action?.run();
  };
  const body = h(
    "div",
    { class: `notice ${kind}`, role: kind === "error" ? "alert" : "status" },
    h("span", {}, text),
    action && h("button", { type: "button", class: "notice-action", onClick: act }, action.label),
    h("button", { type: "button", class: "notice-close", "aria-label": say("close"), onClick: close }, "×"),
  );
  bar.replaceChildren(body);
  clearTimeout(leaving);
  leaving = setTimeout(() => body.isConnected && !body.matches(":hover, :focus-within") && close(), SHOWN);
}
