/** Making elements, in few words. Texts are texts: nothing here takes markup. */

/**
 * Return a new element.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [attributes] Attributes; `class`, `on...` listeners, and what is false or null left out.
 * @param {(Node | string | null | undefined)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on") && typeof value === "function") {
      element.addEventListener(name.slice(2).toLowerCase(), /** @type {EventListener} */ (value));
    } else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * Set an element's text, if it is another.
 * @param {Element} element @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Set what a box holds, unless somebody is typing in it or it is the same.
 * @param {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} box @param {string} value @param {boolean} [always]
 */
export function fill(box, value, always = false) {
  if (box.value !== value && (always || document.activeElement !== box)) box.value = value;
}

/**
 * Change the text of a box as if it had been typed, so that the box's own undo takes it back: where it differs, and no more.
 * @param {HTMLTextAreaElement} box @param {string} text
 */
export function typeInto(box, text) {
  const { value } = box;
  let from = 0;
  while (from < Math.min(value.length, text.length) && value[from] === text[from]) from += 1;
  let same = 0;
  const most = Math.min(value.length, text.length) - from;
  while (same < most && value.at(-1 - same) === text.at(-1 - same)) same += 1;
  box.focus();
  box.setSelectionRange(from, value.length - same);
  const put = text.slice(from, text.length - same);
  const done = put ? document.execCommand("insertText", false, put) : document.execCommand("delete");
  if (!done || box.value !== text) box.value = text;
}

/**
 * Keep a list of elements in step with a list of items, reusing the element of each key.
 * @template T
 * @param {Element} parent @param {T[]} items @param {(item: T) => string} key
 * @param {(item: T) => Element} make @param {(element: Element, item: T) => void} [update]
 */
export function keep(parent, items, key, make, update = () => {}) {
  const before = new Map([...parent.children].map((child) => [/** @type {HTMLElement} */ (child).dataset.key, child]));
  const names = items.map(key);
  const staying = new Set(names);
  for (const child of [...parent.children]) {
    const name = /** @type {HTMLElement} */ (child).dataset.key ?? "";
    if (!staying.has(name) || before.get(name) !== child) child.remove(); // first: those that stay need not move
  }
  items.forEach((item, place) => {
    let child = before.get(names[place]);
    if (!child) {
      child = make(item);
      /** @type {HTMLElement} */ (child).dataset.key = names[place];
    }
    before.delete(names[place]);
    update(child, item);
    if (parent.children[place] !== child) put(parent, child, parent.children[place] ?? null);
  });
}

/** Put a child before another; one that is there already keeps the focus, where the browser can. @param {Element} parent @param {Element} child @param {Element | null} next */
function put(parent, child, next) {
  if (child.parentElement === parent && "moveBefore" in parent) parent.moveBefore(child, next);
  else parent.insertBefore(child, next);
}
