// Ctrl+Enter starts what the tab is for, Esc cancels it, sliders and boxes tell of every change, every control has a name.
const press = ids => [...document.querySelectorAll(ids)].find(button => button.offsetParent)?.click();
document.addEventListener('keydown', event => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); press('#go:not(.busy), [id$=-go]'); }
  if (event.key === 'Escape') press('#go.busy, [id$=-stop]');
}, true);
// Gradio's sliders tell that they were let go by the mouse only; keys and other tools end in a `change`.
let released = 0;
document.addEventListener('pointerup', event => {
  if (event.isTrusted && event.target.type === 'range') released = performance.now();
}, true);
document.addEventListener('change', event => {
  if (event.target.type === 'range' && performance.now() - released > 150)
    event.target.dispatchEvent(new PointerEvent('pointerup', { bubbles: true }));
}, true);
// Gradio's boxes tell of letters typed, and not of what is pasted, cut, deleted or composed (Chinese).
document.addEventListener('input', event => {
  if (event.target.matches('[data-testid=textbox]'))
    event.target.dispatchEvent(new KeyboardEvent('keypress', { bubbles: true }));
}, true);
// Gradio's pictures are buttons without a name, and so are boxes with a copy button: they get that of their label.
const unnamed = 'button:has(> .image-frame):not([aria-label]), textarea:not([aria-label])';
const name = () => document.querySelectorAll(unnamed).forEach(control => {
  const label = control.closest('.block')?.querySelector('[data-testid=block-label], [data-testid=block-info]');
  if (label && !control.labels?.length) control.setAttribute('aria-label', label.innerText.trim());
});
new MutationObserver(name).observe(document, { childList: true, subtree: true });
