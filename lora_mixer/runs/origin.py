"""What a run began with, kept in its folder: the prompt file, and what it was read with. Whoever finds it can go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lora_mixer.catalog import same_spelling
from lora_mixer.errors import BrokenFileError, FileError
from lora_mixer.images import plain, write_whole
from lora_mixer.ledger.seal import sealed, unsealed
from lora_mixer.promptfile import PromptFile
from lora_mixer.promptfile.reading import read_prompt_text

ORIGIN = "run.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrigin:
    """`run.json` of a run's folder.

    Attributes:
        source: The name of the prompt file, which lies beside it.
        model: The model of pictures that name none; None is the default of models.toml.
        kind: Who began it, such as `sheet` or `batch` of the page.
        pictures: How many were asked for.
    """

    source: str
    model: str | None = None
    kind: str = ""
    pictures: int = 0

    def __post_init__(self) -> None:
        """Refuse a prompt file that lies elsewhere."""
        if Path(self.source).name != self.source:
            raise ValueError("the prompt file of a run lies beside it")

    @staticmethod
    def read(folder: Path) -> RunOrigin | None:
        """Return what a run in a folder began with; None if the folder does not tell.

        Raises:
            BrokenFileError: It is damaged.
        """
        path = folder / ORIGIN
        try:
            return _READER.validate_json(unsealed(path.read_bytes()))
        except OSError:
            return None
        except (ValidationError, ValueError) as error:
            raise BrokenFileError(
                "what the run began with cannot be read",
                where=str(path),
                remedy="Name its prompt file and its folder: `lora-mixer render FILE --output FOLDER`.",
            ) from error

    def plan(
        self, folder: Path, *, strict: bool = False, same: Callable[[str, str], bool] = same_spelling
    ) -> PromptFile:
        """Read the prompt file of the run in a folder.

        Raises:
            BrokenFileError: It is not there, or is no text.
            ConfigError: It cannot be read as a prompt file.
        """
        path = folder / self.source
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise BrokenFileError(
                "the prompt file of the run is gone or damaged",
                where=str(path),
                remedy="Put it back, or begin another run.",
            ) from error
        return on_model(read_prompt_text(text, Path(self.source), strict=strict, same=same), self.model)


def keep_origin(plan: PromptFile, folder: Path, *, model: str | None = None, kind: str = "") -> None:
    """Write what a run begins with into its folder: its prompt file, then `run.json`.

    Raises:
        FileError: They cannot be written.
    """
    keep_source(plan, folder)
    origin = RunOrigin(source=plan.path.name, model=model, kind=kind, pictures=len(plan.jobs))
    write_whole(folder / ORIGIN, lambda out: out.write(sealed(plain(origin))))


def keep_source(plan: PromptFile, folder: Path) -> None:
    """Write a prompt file into the folder of its run.

    Raises:
        FileError: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"no folder can be made there: {error.strerror or error}",
            where=str(folder),
            remedy="Name another folder with --output.",
        ) from error
    write_whole(folder / plan.path.name, lambda out: out.write(plan.text.encode()))


def on_model(plan: PromptFile, name: str | None) -> PromptFile:
    """Return a plan whose pictures are made with a model unless they name their own."""
    jobs = (job._replace(request=replace(job.request, model=job.request.model or name)) for job in plan.jobs)
    return replace(plan, jobs=tuple(jobs))


_READER = TypeAdapter(RunOrigin)
