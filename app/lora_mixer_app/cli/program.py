"""The command line: a table of commands, and errors as one line with an exit code by class."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, NamedTuple, cast

import typer

from lora_mixer import __version__
from lora_mixer.errors import CancelledError, FileError, LoraMixerError, RequestError
from lora_mixer.libraries.own_process import begin
from lora_mixer.waiting import uncollected
from lora_mixer_app.cli.output import Console

USAGE_ERROR = cast(type[Exception], typer.BadParameter.__base__)  # click's, wherever this typer keeps it


class Command(NamedTuple):
    """A row of the table: the command's name, which is also that of its module and function, and what it does.

    Commands are imported when called, so listing them is fast.
    """

    name: str
    does: str

    @property
    def run(self) -> Callable[..., None]:
        """The command's function."""
        with uncollected():
            module = import_module(f"lora_mixer_app.cli.commands.{self.name}")
        return cast(Callable[..., None], getattr(module, self.name))


COMMANDS: tuple[Command, ...] = (
    Command(
        "render",
        "Render prompts or a prompt file into pictures, a manifest and a labelled grid; a single one into a file.",
    ),
    Command(
        "sweep", "Render one prompt under every combination of LoRA strengths, and without any, as a labelled grid."
    ),
    Command("morph", "Render one prompt on the way from mix to mix, as a grid, and as a loop if --film says so."),
    Command("surprise", "Render one prompt under mixes drawn by --seed within limits: the same seed, the same mixes."),
    Command(
        "explore",
        "Draw two mixes, a and b. Call it again with --pick a or --pick b, and the next two are nearer to what you like.",
    ),
    Command("sheet", "Lay out the pictures of a run as a labelled grid; nothing is rendered and no model is opened."),
    Command(
        "init",
        "Write a models.toml and example prompt files into a folder, to be changed; nothing that is there is touched.",
    ),
    Command("models", "List the models by name, where they lie, and the folders of LoRAs, embeddings and upscalers."),
    Command(
        "loras",
        "List the LoRAs in the folders of models.toml, with trigger words; broken files are listed with the reason.",
    ),
    Command(
        "upscalers",
        "List what enlarges pictures: what comes with the program, and the files in the upscalers folders of models.toml.",
    ),
    Command("inspect", "Say what a LoRA file is: kinds, ranks, metadata, trained words."),
    Command(
        "balance",
        "Scale strengths so that in every block LoRAs together change no more than one of them does, and print them.",
    ),
    Command("info", "Say how a picture was made: prompt, settings, LoRAs with digests; nothing is decoded or opened."),
    Command("rerender", "Render a picture again: the same pixels on the same machine, or the reasons why not."),
    Command("bake", "Write a mix of LoRAs as one LoRA, or merged into its model; sums are float32, rounded once."),
    Command("extract", "Make a LoRA from two checkpoints: what one was tuned by from the other."),
    Command("train", "Train a LoRA on a folder of pictures; the same command goes on after any end."),
    Command("ui", "Serve the mixing desk as a web page."),
)

EPILOG = (
    "Exit codes: 0 done, 2 impossible option or prompt, 3 models.toml or prompt file wrong, 4 file unreadable, "
    "5 LoRA does not fit, 6 model cannot be opened, 7 render failed, 8 some pictures of a run could not be made, "
    "130 cancelled."
)


def build(called: str | None = None) -> typer.Typer:
    """Return the command line made of `COMMANDS`.

    Args:
        called: The command to be called; the others are only listed. None builds all.
    """
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
        run = command.run if called in {None, command.name} else _only_listed
        app.command(command.name, help=command.does if run is _only_listed else None)(run)
    return app


def main() -> None:
    """Run the command line; an error becomes one line on stderr and an exit code by class."""
    begin()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal of another alphabet sees escapes, never a traceback
            stream.reconfigure(errors="backslashreplace")
    try:
        words = sys.argv[1:] or ["--help"]
        called = next((word for word in words if not word.startswith("-")), "")
        code = build(called)(words, standalone_mode=False)
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
    """Discard pending output, so that Python does not fail again at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refused_by_system(error: OSError) -> FileError:
    """Turn an OSError into one of our errors; one without a file name is about the output."""
    return FileError(
        f"{'the output cannot be written' if error.filename is None else 'the system refuses'}: "
        f"{error.strerror or error}",
        where=error.filename and str(error.filename),
        remedy="Check the disk's room and the permissions.",
    )


def _only_listed() -> None:
    """Placeholder for a command that is not called."""


def _misuse(error: Exception) -> RequestError:
    """Turn a usage error into one of our errors."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "lora-mixer"
    what = error.format_message() if hasattr(error, "format_message") else str(error)
    return RequestError(what, where=command, remedy=f"`{command} --help` lists what there is.")


def _fail(error: LoraMixerError) -> None:
    console = Console(stderr=True)
    console.say(f"error: {error}", style="red")
    for note in getattr(error, "__notes__", ()):
        console.print(note)  # the line of the file with a caret below the place
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
