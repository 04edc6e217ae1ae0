"""How the page looks and what its head asks for: files of `static/`, which the server answers below `/page/`."""

from __future__ import annotations

import gradio as gr

_CHINESE = ("PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "WenQuanYi Micro Hei")
THEME = gr.themes.Default(
    font=["-apple-system", "Segoe UI", "Roboto", "Noto Sans", *_CHINESE, "system-ui", "sans-serif"],
    font_mono=["ui-monospace", "Consolas", "Noto Sans Mono", *_CHINESE, "monospace"],
)
"""The machine's own fonts: nothing to fetch, and Chinese in one face with the rest."""

HEAD = """
<link rel="stylesheet" href="page/page.css">
<link rel="stylesheet" href="page/desk/desk.css">
<link rel="modulepreload" href="page/start.js">
<script type="module" src="page/page.js"></script>
<link rel="manifest" href="page/manifest.webmanifest">
<link rel="icon" href="page/icon.svg" type="image/svg+xml">
<meta name="theme-color" content="#16181d">
"""
