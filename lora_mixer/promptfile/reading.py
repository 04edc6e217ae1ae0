"""Prompt files: what to render, read and checked before a model is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from lora_mixer.catalog import same_spelling
from lora_mixer.errors import BrokenFileError, ConfigError, FileError, MissingFileError
from lora_mixer.files import read_file
from lora_mixer.promptfile.axes import Same
from lora_mixer.promptfile.expand import expand
from lora_mixer.promptfile.lines import read_lines
from lora_mixer.promptfile.parsed import ParsedFile
from lora_mixer.promptfile.plan import PlannedJob, Problem, PromptFile, SheetPlan
from lora_mixer.promptfile.tables import read_csv, read_jsonl
from lora_mixer.promptfile.toml import read_toml
from lora_mixer.waiting import uncollected
from lora_mixer.wording import page

__all__ = [
    "FORMATS",
    "MAX_BYTES",
    "PlannedJob",
    "Problem",
    "PromptFile",
    "SheetPlan",
    "read_prompt_file",
    "read_prompt_text",
]

MAX_BYTES = 20 << 20

FORMATS: Mapping[str, Callable[[str, str], ParsedFile]] = MappingProxyType(
    {".toml": read_toml, ".txt": read_lines, ".csv": read_csv, ".tsv": read_csv, ".jsonl": read_jsonl}
)
"""Ending to reader; any other ending is read like `.txt`."""


def read_prompt_file(path: Path, *, strict: bool = False, same: Same = same_spelling) -> PromptFile:
    """Read a prompt file: its ending says in which format.

    Args:
        path: The file.
        strict: Refuse the file for its first problem; else problems are listed and the rest is used.
        same: Tells whether two names are one adapter's, for axes that set one whatever a tag says of it.

    Raises:
        MissingFileError: It is not there, or is no regular file.
        ConfigError: It cannot be read, or holds nothing to render. A note of the error shows the place.
    """
    try:
        data = read_file(path, at_most=MAX_BYTES)
    except BrokenFileError as error:
        remedy = "Split it into several files."
        raise ConfigError(
            f"the prompt file is larger than {MAX_BYTES >> 20} MiB", where=str(path), remedy=remedy
        ) from error
    except FileError as error:
        raise MissingFileError(
            f"the prompt file cannot be read: {error.what}", where=str(path), remedy="Check the path."
        ) from error
    return read_prompt_text(_decoded(data, str(path)), path, strict=strict, same=same)


def read_prompt_text(text: str, path: Path, *, strict: bool = False, same: Same = same_spelling) -> PromptFile:
    """Read the text of a prompt file; `path` gives its format and its name in errors.

    Raises:
        ConfigError: As `read_prompt_file` does.
    """
    with uncollected():
        return _read(text.replace("\r\n", "\n").replace("\r", "\n"), path, strict=strict, same=same)


def _read(text: str, path: Path, *, strict: bool, same: Same) -> PromptFile:
    _refuse_zero_bytes(text, str(path))
    parsed = _parsed(text, path, same)
    if parsed.problems and (strict or not parsed.entries):
        first = parsed.problems[0]
        error = ConfigError(
            first.what,
            where=f"{path}:{first.line}:{first.column}",
            remedy=f"What may stand is in {page('prompt-files')}.",
        )
        error.add_note("\n".join(str(problem) for problem in parsed.problems[:10]))
        raise error
    try:
        jobs, sheet = expand(parsed.entries, columns=parsed.columns, rows=parsed.rows, title=parsed.title, fresh=True)
    except ConfigError as error:
        raise ConfigError(error.what, where=str(path), remedy=error.remedy) from error
    if parsed.files:
        jobs = tuple(_beside(job, path.parent) for job in jobs)
    return PromptFile(path=path, jobs=jobs, sheet=sheet, problems=parsed.problems, text=text)


def _beside(job: PlannedJob, folder: Path) -> PlannedJob:
    """Return a job whose input pictures and masks are named from a folder: that of its prompt file."""
    init, mask, regions = job.request.init, job.request.mask, job.request.regions
    if init is None and mask is None and not regions:
        return job
    init, mask = (None if picture is None else picture.beside(folder) for picture in (init, mask))
    regions = tuple(region.beside(folder) for region in regions)
    return job._replace(request=replace(job.request, init=init, mask=mask, regions=regions))


def _parsed(text: str, path: Path, same: Same) -> ParsedFile:
    """Return what the reader of the path's format makes of a text."""
    reader = FORMATS.get(path.suffix.lower(), read_lines)
    try:
        return read_toml(text, str(path), same=same) if reader is read_toml else reader(text, str(path))
    except ConfigError as error:
        if error.where is None:
            raise ConfigError(error.what, where=str(path), remedy=error.remedy) from error
        raise


def _decoded(data: bytes, where: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            "the prompt file is not UTF-8", where=f"{where}:{line}", remedy="Save it as UTF-8."
        ) from error


def _refuse_zero_bytes(text: str, where: str) -> None:
    at = text.find("\0")
    if at >= 0:
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        raise ConfigError("the prompt file holds a zero byte", where=f"{where}:{line}:{column}", remedy="Remove it.")
