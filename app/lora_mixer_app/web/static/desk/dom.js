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
 * Keep a list of elements in step with a list of items, reusing the element of each key.
 * @template T
 * @param {Element} parent @param {T[]} items @param {(item: T) => string} key
 * @param {(item: T) => Element} make @param {(element: Element, item: T) => void} [update]
 */
export function keep(parent, items, key, make, update = () => {}) {
  const before = new Map([...parent.children].map((child) => [/** @type {HTMLElement} */ (child).dataset.key, child]));
  items.forEach((item, place) => {
    const name = key(item);
    let child = before.get(name);
    if (!child) {
      child = make(item);
      /** @type {HTMLElement} */ (child).dataset.key = name;
    }
    before.delete(name);
    update(child, item);
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  for (const child of before.values()) child.remove();
}
