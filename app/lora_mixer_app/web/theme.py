"""How the page looks and which keys it knows: the little CSS and JavaScript of our own."""

from __future__ import annotations

import gradio as gr

_CHINESE = ("PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei")
THEME = gr.themes.Default(
    font=["-apple-system", "Segoe UI", "Roboto", "Noto Sans", *_CHINESE, "system-ui", "sans-serif"],
    font_mono=["ui-monospace", "Consolas", "Noto Sans Mono", *_CHINESE, "monospace"],
)
"""The machine's own fonts: nothing to fetch, and Chinese in one face with the rest."""

CSS = """
.tight { gap: 6px !important; }
.strip { gap: 4px !important; padding: 4px 0 4px 8px; border-left: 3px solid var(--color-accent); }
.strip [id^="w-"] .tab-like-container, .strip [id^="w-"] input[type=number] { display: none; }
.strip .head { align-items: center; }
.strip .problem { color: var(--error-text-color, #b00020); }
.strip input[type=number] { text-align: right; }
.strip .chips { display: flex; flex-wrap: wrap; align-items: center; gap: 2px 8px; padding: 4px 12px !important; }
.strip .chips > * { margin: 0 !important; }
.strip .chips [data-testid=block-info] { font-size: var(--text-xs); opacity: 0.75; margin: 0 !important; }
.strip .block { padding-top: 6px !important; padding-bottom: 6px !important; }
.strip .chips label { padding: 1px 8px; font-size: var(--text-xs); }
.strip .chips input[type=radio] { position: absolute; opacity: 0; }
.strip .chips label:focus-within { outline: 2px solid var(--color-accent); }
.prompt { gap: 2px !important; }
.count { text-align: right; opacity: 0.75; font-size: var(--text-xs); line-height: 1.5; overflow: visible; }
#status { min-height: 1.6em; font-variant-numeric: tabular-nums; }
#history .grid-container { grid-template-columns: repeat(5, minmax(0, 1fr)) !important; }
#lora-previews .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)) !important; }
#lora-previews .caption-label { font-size: var(--text-xs); max-width: 100%; }
.gradio-container { overflow: clip !important; width: 100%; max-width: 1500px !important; margin: 0 auto !important; }
.side { align-self: stretch; }
#picture { position: sticky; top: 0; z-index: 50; }
#picture img { width: 100%; height: 100%; object-fit: contain; }
@media (max-width: 720px) {
  .gradio-container { padding: 6px !important; }
  .side { display: contents !important; }
  #picture { order: -2; width: 100%; height: 34vh !important; min-width: 0; }
  #status { order: -1; }
}
"""

HEAD = """
<script>
{
  const press = ids => [...document.querySelectorAll(ids)].find(button => button.offsetParent)?.click();
  document.addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); press('#go, [id$=-go]'); }
    if (event.key === 'Escape') press('#stop, [id$=-stop]');
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
}
</script>
"""
"""Ctrl+Enter starts what the tab is for, Esc cancels it, sliders and boxes tell of every change, every control has a name."""
