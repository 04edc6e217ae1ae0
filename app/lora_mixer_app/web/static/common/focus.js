/**
 * The focus is never lost: where what has it is taken away, disabled or hidden, it goes to what stands in its place.
 *
 * A browser puts it on the body then, and whoever moves by keys begins again at the top of the page. Whoever points with a
 * mouse or a finger keeps the browser's way: a text box that takes the focus by itself opens a phone's keyboard.
 */

const CONTROLS = "a[href], button, input, select, textarea, summary, [tabindex]";

/**
 * @typedef {{ parent: Element, at: number }} Step A parent, and the place of its child that leads to what has the focus.
 * @typedef {{ element: HTMLElement, way: Step[] }} Held What has the focus, and the way up from it.
 */

/** @param {Element | null | undefined} element @returns {boolean} Whether Tab leads there. */
function isReached(element) {
  return (
    element instanceof HTMLElement &&
    element.matches(CONTROLS) &&
    !element.matches(":disabled, [tabindex='-1']") &&
    !element.closest("[inert]") &&
    element.checkVisibility({ visibilityProperty: true })
  );
}

/** @param {Element} element @returns {Step[]} The way up from it. */
function wayUp(element) {
  const steps = [];
  for (let child = element; child.parentElement; child = child.parentElement)
    steps.push({ parent: child.parentElement, at: [...child.parentElement.children].indexOf(child) });
  return steps;
}

/** @param {Element} root @returns {HTMLElement[]} What Tab reaches from a root on, in order. */
function reachedIn(root) {
  return /** @type {HTMLElement[]} */ ([root, ...root.querySelectorAll(CONTROLS)].filter(isReached));
}

/**
 * Return what stands where something was: the same control of what took its place, else the next one, else the one before.
 * @param {Step[]} way @param {string} id Of what was there. @param {(element: Element) => boolean} allowed
 * @returns {HTMLElement | undefined}
 */
function inPlaceOf(way, id, allowed) {
  const again = id ? document.getElementById(id) : null;
  if (again && isReached(again) && allowed(again)) return again;
  /** @type {number[]} */
  const down = [];
  for (const { parent, at } of way) {
    if (parent.isConnected) {
      const after = [...parent.children].slice(at);
      const same = down.reduce((child, place) => child?.children[place], /** @type {Element | undefined} */ (after[0]));
      const before = [...parent.children].slice(0, at).reverse();
      const found = [
        ...(same ? reachedIn(same).slice(0, 1) : []),
        ...after.flatMap(reachedIn),
        ...before.flatMap((child) => reachedIn(child).reverse()),
      ].find(allowed);
      if (found) return found;
    }
    down.unshift(at);
  }
  return undefined;
}

/**
 * Lists of boxes are no stops of Tab. Chromium stops at whatever scrolls; a list closes when its box is left, and nobody
 * would be where they went.
 */
function passLists() {
  /** @type {NodeListOf<HTMLElement>} */
  const lists = document.querySelectorAll("[role=listbox]:not([tabindex])");
  for (const list of lists) list.tabIndex = -1;
}

/** Keep the focus from now on. */
export function keepFocus() {
  document.addEventListener("keydown", ({ key }) => key === "Tab" && passLists(), true);
  /** @type {Held | null} What has the focus, as far as it is shown there. */
  let held = null;
  /** @type {Held | null} What had it a moment ago, until it is known why it has it no longer. */
  let left = null;

  /** @param {EventTarget | null} target */
  const hold = (target) => {
    left = null;
    held = target instanceof HTMLElement && target !== document.body ? { element: target, way: wayUp(target) } : null;
  };
  document.addEventListener("focusin", ({ target }) => {
    hold(target instanceof HTMLElement && target.matches(":focus-visible") ? target : null);
  });
  document.addEventListener("keydown", ({ target }) => target !== held?.element && hold(target), true);
  // before the listeners of what is left: what these take away is no reason to bring the focus back
  const leave = (/** @type {FocusEvent} */ { target, relatedTarget }) => {
    if (!held || target !== held.element) return;
    const before = held;
    held = null;
    if (relatedTarget) return; // somebody goes on to that
    left = before;
    queueMicrotask(() => {
      if (left !== before) return;
      if (document.activeElement === before.element)
        held = before; // it is the window that was left
      else if (!isReached(before.element)) rescue(before); // else somebody left it
    });
  };
  document.addEventListener("blur", leave, true);
  new MutationObserver((changes) => {
    if (!held) return;
    if (document.activeElement !== held.element) rescue(held);
    else if (changes.some(({ target }) => held?.way.some(({ parent }) => parent === target)))
      held.way = wayUp(held.element);
  }).observe(document, { childList: true, subtree: true });
}

/** @param {Held} held */
function rescue({ element, way }) {
  if (document.activeElement !== document.body) return;
  if (isReached(element)) return element.focus({ preventScroll: true }); // it was moved
  const modal = document.querySelector("dialog:modal");
  const panel = element.closest("[role=tabpanel]");
  const tab = document.querySelector("[role=tab][aria-selected=true]");
  if (!modal && panel && !panel.checkVisibility()) return /** @type {HTMLElement | null} */ (tab)?.focus();
  inPlaceOf(way, element.id, (one) => !modal || modal.contains(one))?.focus();
}
