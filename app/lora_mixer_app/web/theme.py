"""How the page looks: Gradio's own parts in the colours of `static/tokens.css`, and what the page's head asks for."""

from __future__ import annotations

import inspect

import gradio as gr
from gradio.themes import sizes
from gradio.themes.utils import colors

TOKENS: dict[str, tuple[str, ...]] = {
    "paper": ("body_background_fill", "background_fill_secondary"),
    "panel": (
        "background_fill_primary",
        "block_background_fill",
        "block_label_background_fill",
        "panel_background_fill",
        "input_background_fill",
        "input_background_fill_focus",
        "input_background_fill_hover",
        "checkbox_background_color",
        "checkbox_background_color_focus",
        "checkbox_background_color_hover",
        "table_odd_background_fill",
        "table_even_background_fill",
        "error_background_fill",
    ),
    "raised": (
        "button_secondary_background_fill",
        "button_cancel_background_fill",
        "checkbox_label_background_fill",
        "code_background_fill",
        "stat_background_fill",
        "table_row_focus",
    ),
    "hover": (
        "button_secondary_background_fill_hover",
        "button_cancel_background_fill_hover",
        "checkbox_label_background_fill_hover",
    ),
    "line": (
        "border_color_primary",
        "block_border_color",
        "block_label_border_color",
        "panel_border_color",
        "table_border_color",
        "button_secondary_border_color",
        "button_cancel_border_color",
        "checkbox_label_border_color",
    ),
    "edge": (
        "input_border_color",
        "input_border_color_hover",
        "checkbox_border_color",
        "checkbox_border_color_hover",
        "button_secondary_border_color_hover",
        "button_cancel_border_color_hover",
        "checkbox_label_border_color_hover",
    ),
    "ink": (
        "body_text_color",
        "block_title_text_color",
        "accordion_text_color",
        "table_text_color",
        "button_secondary_text_color",
        "button_secondary_text_color_hover",
        "button_cancel_text_color",
        "button_cancel_text_color_hover",
        "checkbox_label_text_color",
        "checkbox_label_text_color_selected",
        "link_text_color",
        "link_text_color_visited",
        "link_text_color_hover",
        "link_text_color_active",
    ),
    "quiet": (
        "body_text_color_subdued",
        "block_info_text_color",
        "block_label_text_color",
        "input_placeholder_color",
    ),
    "accent": (
        "slider_color",
        "checkbox_background_color_selected",
        "checkbox_border_color_selected",
        "checkbox_label_border_color_selected",
        "border_color_accent",
        "loader_color",
        "color_accent",
        "button_primary_background_fill",
        "button_primary_border_color",
    ),
    "accent-strong": ("button_primary_background_fill_hover", "button_primary_border_color_hover"),
    "on-accent": ("button_primary_text_color", "button_primary_text_color_hover"),
    "accent-soft": ("checkbox_label_background_fill_selected", "border_color_accent_subdued"),
    "focus": ("input_border_color_focus", "checkbox_border_color_focus"),
    "bad": ("error_text_color", "error_icon_color", "error_border_color"),
}
"""Names of `tokens.css`, and which of Gradio's variables are that colour, in light and dark alike."""

PLAIN = {
    "body_text_size": "var(--text)",
    "block_info_text_size": "var(--small)",
    "block_label_text_size": "var(--small)",
    "block_title_text_size": "var(--small)",
    "block_title_text_weight": "600",
    "button_primary_shadow": "none",
    "button_secondary_shadow": "none",
    "button_cancel_shadow": "none",
    "block_shadow": "none",
    "checkbox_label_shadow": "none",
    "input_shadow": "none",
    "input_shadow_focus": "none",
    "block_border_width": "1px",
    "input_border_width": "1px",
    "checkbox_border_width": "1px",
    "layout_gap": "12px",
    "block_padding": "10px 12px",
    "button_large_padding": "8px 16px",
    "button_large_text_weight": "600",
}
"""What is no colour."""

_CHINESE = ("PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei")
_OURS = "LoRA Mixer CJK"  # `tokens.css` brings it, for machines without any of those


def _theme() -> gr.themes.Base:
    theme = gr.themes.Base(
        primary_hue=colors.orange,
        neutral_hue=colors.gray,
        text_size=sizes.text_sm,
        radius_size=sizes.radius_md,
        font=["-apple-system", "Segoe UI", "Roboto", "Noto Sans", *_CHINESE, "system-ui", _OURS, "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "Noto Sans Mono", *_CHINESE, "monospace", _OURS],
    )
    there = inspect.signature(theme.set).parameters
    values = dict(PLAIN)
    for token, names in TOKENS.items():
        values |= dict.fromkeys(names, f"var(--{token})")
        values |= {f"{name}_dark": f"var(--{token})" for name in names if f"{name}_dark" in there}
    return theme.set(**values)


THEME = _theme()
"""The machine's own fonts, and Chinese in one face with the rest; one look for light and dark."""

HEAD = """
<link rel="stylesheet" href="page/styles.css">
<script type="module" src="page/modules.js"></script>
<link rel="manifest" href="page/manifest.webmanifest">
<link rel="icon" href="page/icon.svg" type="image/svg+xml">
<meta name="theme-color" content="#131519">
"""
