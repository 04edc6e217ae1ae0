/** What Ctrl+Enter and Esc mean on every tab: begin what the tab is for, and stop it. */

/** What closes by Esc, and leaves the key to go on: dialogs, and the lists of Gradio's boxes. */
const CLOSES = "dialog[open], [data-testid=dropdown-option]";

/** @type {(() => boolean)[]} */
const closers = [];

/** Let Esc close something that need not have the focus. @param {() => boolean} close Returns whether there was something. */
export function closedByEscape(close) {
  closers.push(close);
}

/**
 * Hear the keys. Esc is for what is open, nearest first, and whoever closes something by it keeps the key; only where nothing
 * is open it stops what is under way.
 * @param {{ go: () => void, stop: () => void }} does
 */
export function hearKeys({ go, stop }) {
  let open = false;
  document.addEventListener(
    "keydown",
    (event) => {
      open = document.querySelector(CLOSES) !== null; // before it closes
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      settle(document.activeElement);
      if (!event.repeat) go();
    },
    true,
  );
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || open) return;
    if (closers.some((close) => close())) event.preventDefault();
    else stop();
  });
}

/** Have a box take what is typed in it, as Enter and leaving it do. @param {Element | null} box */
function settle(box) {
  if (box instanceof HTMLInputElement && ["number", "text"].includes(box.type))
    box.dispatchEvent(new Event("change", { bubbles: true }));
}
