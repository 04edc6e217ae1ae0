"""Serving the page: this machine only, nothing fetched from outside, nothing counted."""

from __future__ import annotations

from lora_mixer import Mixer
from lora_mixer_app.ui.page import build_page

QUEUE = 16


def serve(mixer: Mixer, *, host: str, port: int, open_browser: bool) -> None:
    """Serve the page until Ctrl+C.

    Args:
        mixer: What renders.
        host: Address to listen on.
        port: Port to listen on.
        open_browser: Whether to open the page in the user's browser.
    """
    build_page(mixer).queue(max_size=QUEUE).launch(
        server_name=host,
        server_port=port,
        inbrowser=open_browser,
        share=False,
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        footer_links=[],
    )
