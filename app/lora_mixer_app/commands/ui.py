"""`lora-mixer ui`: the browser page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from lora_mixer_app.arguments import parse_login
from lora_mixer_app.options import AllowPartial, Device, Dtype, Model, ModelsPath, Offload


def ui(
    model: Model = None,
    models_path: ModelsPath = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on; the default answers this machine only.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 7860,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for pictures and their history. Default: `desk` in the output folder."
        ),
    ] = None,
    auth: Annotated[
        list[str] | None,
        typer.Option(
            "--auth",
            metavar="NAME:PASSWORD",
            envvar="LORA_MIXER_AUTH",
            show_envvar=True,
            help="Ask for a login; once for each person. Everybody sees their own history only.",
        ),
    ] = None,
    device: Device = None,
    dtype: Dtype = None,
    offload: Offload = "auto",
    *,
    allow_partial: AllowPartial = False,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = False,
) -> None:
    """Serve the mixing desk as a web page."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    from lora_mixer import Mixer
    from lora_mixer_app.ui.server import serve

    logins = [parse_login(text) for text in auth or ()]
    mixer = Mixer.open(
        model,
        models_file=models_path,
        device=device,
        dtype=dtype,
        offload=offload,
        allow_partial=allow_partial,
        paths=False,
    )
    folder = output or mixer.models_file.output / "desk"
    serve(mixer, folder, host=host, port=port, open_browser=open_browser, logins=logins)
