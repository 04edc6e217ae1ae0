"""The command line: a table of commands, and errors as one line with an exit code by class."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated, NamedTuple, cast

import typer
from rich.console import Console

from lora_mixer import __version__
from lora_mixer.errors import CancelledError, FileError, LoraMixerError, RequestError
from lora_mixer.waiting import wait_passively
from lora_mixer_app.commands.bake import bake
from lora_mixer_app.commands.info import info
from lora_mixer_app.commands.init import init
from lora_mixer_app.commands.inspect import inspect
from lora_mixer_app.commands.loras import loras
from lora_mixer_app.commands.models import models
from lora_mixer_app.commands.render import render
from lora_mixer_app.commands.rerender import rerender
from lora_mixer_app.commands.sheet import sheet
from lora_mixer_app.commands.sweep import sweep
from lora_mixer_app.commands.ui import ui

USAGE_ERROR = cast(type[Exception], typer.BadParameter.__base__)  # click's, wherever this typer keeps it


class Command(NamedTuple):
    """A row of the table: the name people type and the function that answers."""

    name: str
    run: Callable[..., None]


COMMANDS: tuple[Command, ...] = (
    Command("render", render),
    Command("sweep", sweep),
    Command("sheet", sheet),
    Command("init", init),
    Command("models", models),
    Command("loras", loras),
    Command("inspect", inspect),
    Command("info", info),
    Command("rerender", rerender),
    Command("bake", bake),
    Command("ui", ui),
)

EPILOG = (
    "Exit codes: 0 done, 2 impossible option or prompt, 3 models.toml or prompt file wrong, 4 file unreadable, "
    "5 LoRA does not fit, 6 model cannot be opened, 7 render failed, 8 some pictures of a run could not be made, "
    "130 cancelled."
)


def build() -> typer.Typer:
    """Return the command line made of `COMMANDS`."""
    app = typer.Typer(
        name="lora-mixer",
        help="Text to image with Stable Diffusion and several LoRAs at once, each with its own strength.",
        epilog=EPILOG,
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
    wait_passively()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal of another alphabet sees escapes, never a traceback
            stream.reconfigure(errors="backslashreplace")
    try:
        code = build()(sys.argv[1:] or ["--help"], standalone_mode=False)
        sys.stdout.flush()
    except USAGE_ERROR as error:
        _fail(_misuse(error))
    except LoraMixerError as error:
        _fail(error)
    except BrokenPipeError:  # `| head` has read enough; typer ends with the same code
        _leave_stdout()
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            _leave_stdout()
        _fail(_refused_by_system(error))
    else:
        if code == CancelledError.exit_code:  # what typer makes of Ctrl+C
            _fail(CancelledError("cancelled", remedy="What was finished is kept."))
        sys.exit(code)


def _leave_stdout() -> None:
    """Send what is still to be written nowhere, so that Python does not fail once more at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refused_by_system(error: OSError) -> FileError:
    """Return what the system refused as an error of ours; one without a file's name is about the output."""
    return FileError(
        f"{'the output cannot be written' if error.filename is None else 'the system refuses'}: "
        f"{error.strerror or error}",
        where=error.filename and str(error.filename),
        remedy="Check the disk's room and the permissions.",
    )


def _misuse(error: Exception) -> RequestError:
    """Return a wrong command, option or argument as an error of ours."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "lora-mixer"
    what = error.format_message() if hasattr(error, "format_message") else str(error)
    return RequestError(what, where=command, remedy=f"`{command} --help` lists what there is.")


def _fail(error: LoraMixerError) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(f"error: {error}", style="red", markup=False)
    for note in getattr(error, "__notes__", ()):
        print(note, file=sys.stderr)  # noqa: T201 the line of the file with a caret below the place
    sys.exit(error.exit_code)


def _print_version(wanted: bool) -> None:  # noqa: FBT001 typer calls it so
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _options(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    del version  # its callback has answered
