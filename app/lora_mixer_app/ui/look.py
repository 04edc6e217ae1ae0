"""How the page looks and which keys it knows: the little CSS and JavaScript of our own."""

from __future__ import annotations

CSS = """
.tight { gap: 6px !important; }
.strip { gap: 4px !important; padding: 4px 0 4px 8px; border-left: 3px solid var(--color-accent); }
.strip [id^="w-"] .tab-like-container, .strip [id^="w-"] input[type=number] { display: none; }
.strip .head { align-items: center; }
.strip .problem { color: var(--error-text-color, #b00020); }
.strip input[type=number] { text-align: right; }
.strip .chips label { padding: 1px 8px; font-size: var(--text-xs); }
.strip .chips input[type=radio] { position: absolute; opacity: 0; }
.strip .chips label:focus-within { outline: 2px solid var(--color-accent); }
.count { text-align: right; opacity: 0.75; font-size: var(--text-xs); margin-top: -6px; }
#status { min-height: 1.6em; font-variant-numeric: tabular-nums; }
#picture img { width: 100%; height: 100%; object-fit: contain; }
@media (max-width: 640px) { .gradio-container { padding: 6px !important; } }
"""

HEAD = """
<script>
{
  const press = id => { const button = document.querySelector(id); if (button) button.click(); };
  document.addEventListener('keydown', event => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); press('#go'); }
    if (event.key === 'Escape') press('#stop');
  }, true);
  // Gradio's sliders tell that they were let go by the mouse only; keys and other tools end in a `change`.
  let released = 0;
  document.addEventListener('pointerup', event => { if (event.isTrusted) released = performance.now(); }, true);
  document.addEventListener('change', event => {
    if (event.target.type === 'range' && performance.now() - released > 150)
      event.target.dispatchEvent(new PointerEvent('pointerup', { bubbles: true }));
  }, true);
  // Gradio's pictures are buttons without a name: they get that of their label.
  const name = () => document.querySelectorAll('button:has(> .image-frame):not([aria-label])').forEach(button => {
    const label = button.closest('.block')?.querySelector('[data-testid=block-label]');
    if (label) button.setAttribute('aria-label', label.innerText.trim());
  });
  new MutationObserver(name).observe(document, { childList: true, subtree: true });
}
</script>
"""
"""Ctrl+Enter generates, Esc cancels, a slider moved by keys is let go as well, and every picture has a name."""
