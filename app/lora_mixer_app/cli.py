"""The command line: a table of commands, and errors as one line with an exit code by class."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated, NamedTuple

import typer
from rich.console import Console

from lora_mixer import __version__
from lora_mixer.errors import CancelledError, LoraMixerError
from lora_mixer_app.commands.info import info
from lora_mixer_app.commands.inspect import inspect
from lora_mixer_app.commands.loras import loras
from lora_mixer_app.commands.models import models
from lora_mixer_app.commands.render import render
from lora_mixer_app.commands.rerender import rerender
from lora_mixer_app.commands.ui import ui


class Command(NamedTuple):
    """A row of the table: the name people type and the function that answers."""

    name: str
    run: Callable[..., None]


COMMANDS: tuple[Command, ...] = (
    Command("render", render),
    Command("models", models),
    Command("loras", loras),
    Command("inspect", inspect),
    Command("info", info),
    Command("rerender", rerender),
    Command("ui", ui),
)

EPILOG = (
    "Exit codes: 0 done, 2 impossible option or prompt, 3 models.toml or prompt file wrong, 4 file unreadable, "
    "5 LoRA does not fit, 6 model cannot be opened, 7 render failed, 130 cancelled."
)


def build() -> typer.Typer:
    """Return the command line made of `COMMANDS`."""
    app = typer.Typer(
        name="lora-mixer",
        help="Text to image with Stable Diffusion and several LoRAs at once, each with its own strength.",
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
    )
    app.callback()(_options)
    for command in COMMANDS:
        app.command(command.name)(command.run)
    return app


def main() -> None:
    """Run the command line; what goes wrong ends as one line on stderr and an exit code by class."""
    try:
        build()()
    except KeyboardInterrupt:
        _fail(CancelledError("cancelled", remedy="What was finished is kept."))
    except LoraMixerError as error:
        _fail(error)


def _fail(error: LoraMixerError) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", style="red", markup=False)
    for note in getattr(error, "__notes__", ()):
        print(note, file=sys.stderr)  # noqa: T201 the line of the file with a caret below the place
    sys.exit(error.exit_code)


def _options(
    *, version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit
