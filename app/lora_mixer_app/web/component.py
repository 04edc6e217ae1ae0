"""Components of our own: an element on the page, and a module of `static/` that draws into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import gradio as gr

_START = (Path(__file__).parent / "static" / "component.js").read_text(encoding="utf-8")
"""What Gradio runs as it makes the element: it hands what it gives to the module's `start`."""


def own_component(
    module: str,
    *,
    elem_id: str,
    ask: Callable[..., Any] | None = None,
    value: object = None,
    **props: Any,  # noqa: ANN401 JSON
) -> gr.HTML:
    """Return a component that a module draws.

    Args:
        module: The module, as a path within `static/`; its `start` is given the element and the ways to the server.
        elem_id: The element's id.
        ask: What the module may call as `server.ask`; see `web.asking`.
        value: JSON that listeners change, and the module watches.
        props: JSON that never changes.
    """
    return gr.HTML(
        value={} if value is None else value,
        html_template='<div class="own"></div>',
        js_on_load=_START,
        apply_default_css=False,
        elem_id=elem_id,
        server_functions=[ask] if ask is not None else None,
        module=module,
        **props,
    )


def seen_if(there: object) -> Literal[True, "hidden"]:
    """Return what Gradio calls `visible` of a part that is seen only while there is something in it, and never taken away."""
    return True if there else "hidden"
