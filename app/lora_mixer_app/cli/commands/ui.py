"""`lora-mixer ui`: the browser page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lora_mixer.catalog import load_models_file
from lora_mixer.errors import RequestError
from lora_mixer_app.cli.arguments import parse_login
from lora_mixer_app.cli.options import AllowPartial, Device, Dtype, MergeCache, Model, ModelsPath, Offload
from lora_mixer_app.cli.output import Console
from lora_mixer_app.cli.tables import with_tables

if TYPE_CHECKING:
    from lora_mixer import Mixer
    from lora_mixer_app.serving.guard import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Where the page is served, and who may use it."""

    host: Annotated[str, typer.Option(help="Address to listen on; the default answers this machine only.")] = (
        "127.0.0.1"
    )
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any that is free.")] = 7860
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder for pictures and their history. Default: `desk` in the output folder."
        ),
    ] = None
    auth: Annotated[
        list[str] | None,
        typer.Option(
            "--auth",
            metavar="NAME:PASSWORD",
            envvar="LORA_MIXER_AUTH",
            show_envvar=True,
            help="Ask for a login; once for each person. Everybody sees their own history only.",
        ),
    ] = None
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = False
    allow_origin: Annotated[
        list[str] | None,
        typer.Option(
            "--allow-origin",
            metavar="URL",
            help="Let pages of this origin talk to this one, such as https://desk.example of a proxy before it; "
            "proxies on this machine are then believed whom they speak for.",
        ),
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """How the page's model is opened; the fields are those of `Mixer.open`."""

    model: Model = None
    models_file: ModelsPath = None
    device: Device = None
    dtype: Dtype = None
    offload: Offload = "auto"
    merge_cache_mb: MergeCache = None
    allow_partial: AllowPartial = False

    def open(self) -> Mixer:
        """Open the model, with nothing named by path: pages are for strangers."""
        from lora_mixer import Mixer

        return Mixer.open(**{option.name: getattr(self, option.name) for option in fields(self)}, paths=False)


@with_tables
def ui(opening: ModelOptions, serving: ServerOptions) -> None:
    """Serve the mixing desk as a web page."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    from lora_mixer_app.web.server import Server

    logins = parse_logins(serving.auth or ())
    origins = [parse_origin(text) for text in serving.allow_origin or ()]
    models_file = load_models_file(opening.models_file)
    source = models_file.model(opening.model)
    console = Console()
    server = Server(
        opening.open,
        serving.output or models_file.output / "desk",
        model=source.name,
        host=serving.host,
        port=serving.port,
        logins=logins,
        origins=origins,
        say=console.say,
    )
    console.say(f"LoRA Mixer at {server.url} (opening the model {source.name} ...)")
    server.run(open_browser=serving.open_browser)


def parse_logins(texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return the logins that options name.

    Raises:
        RequestError: One is of another form, or two names differ in capitals only, as folders cannot everywhere.
    """
    logins = [parse_login(text) for text in texts]
    names = [name for name, _ in logins]
    if len({name.casefold() for name in names}) < len(names):
        raise RequestError("two logins have one name", where="--auth", remedy="Give each person a name of their own.")
    return logins


def parse_origin(text: str) -> Origin:
    """Return the origin an option names.

    Raises:
        RequestError: It names none.
    """
    from lora_mixer_app.serving.guard import read_origin

    origin = read_origin(text.rstrip("/"))
    if origin is None:
        raise RequestError(
            f"{text!r} is no origin",
            where="--allow-origin",
            remedy="Write scheme and host, such as https://desk.example.",
        )
    return origin
