"""Serving the page: this machine only, nothing fetched from outside, nothing counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gradio as gr
from starlette.middleware import Middleware

from lora_mixer import Mixer
from lora_mixer_app.ui.guard import LOCAL, Guard
from lora_mixer_app.ui.look import CSS, HEAD, THEME
from lora_mixer_app.ui.page import build_page
from lora_mixer_app.ui.studio import Studio
from lora_mixer_app.ui.words import I18N

QUEUE = 16
LARGEST_UPLOAD = "20mb"


def serve(
    mixer: Mixer,
    folder: Path,
    *,
    host: str,
    port: int,
    open_browser: bool,
    logins: Sequence[tuple[str, str]] = (),
) -> None:
    """Serve the page until Ctrl+C.

    Args:
        mixer: What renders.
        folder: Where pictures, their history and saved mixes are kept.
        host: Address to listen on; other machines must ask for it by this name.
        port: Port to listen on.
        open_browser: Whether to open the page in the user's browser.
        logins: Names and passwords; without any, nobody is asked for one.
    """
    studio = Studio(mixer, folder)
    gr.set_static_paths(studio.served)
    build_page(studio).queue(max_size=QUEUE).launch(
        server_name=host,
        server_port=port,
        inbrowser=open_browser,
        auth=list(logins) or None,
        share=False,
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        mcp_server=False,
        footer_links=[],
        max_file_size=LARGEST_UPLOAD,
        i18n=I18N,
        theme=THEME,
        css=CSS,
        head=HEAD,
        app_kwargs={"middleware": [Middleware(Guard, hosts=(*LOCAL, host))]},
    )
