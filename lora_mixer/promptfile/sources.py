"""What a command is given to render: prompt files, folders and patterns of them, prompts, or what comes through a pipe."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lora_mixer.catalog import same_spelling
from lora_mixer.errors import MissingFileError, RequestError
from lora_mixer.promptfile.axes import Same
from lora_mixer.promptfile.expand import expand
from lora_mixer.promptfile.plan import PromptEntry, PromptFile
from lora_mixer.promptfile.reading import FORMATS, read_prompt_file, read_prompt_text
from lora_mixer.request import RenderRequest

PROMPT, STDIN = Path("prompt"), Path("stdin")
"""What stands in the place of a file's path, in plans and errors."""


def read_sources(
    said: Sequence[str], stdin: Callable[[], str], *, strict: bool = False, same: Same = same_spelling
) -> tuple[PromptFile, ...]:
    """Return a plan for each prompt file, and one for all prompts together.

    Args:
        said: Words of the command line: `-`, a file, a folder, a pattern, or a prompt, looked at in this order. What
            ends like a prompt file, or lies in a folder that is there, is one; it is never rendered as words.
        stdin: Reads what comes through the pipe.
        strict: Refuse a file for its first problem.
        same: Tells whether two names are one adapter's.

    Raises:
        MissingFileError: A file is not there, or a folder has none.
        RequestError: A prompt is empty.
        ConfigError: A file cannot be read.
    """
    files = [file for word in said for file in _files(word, stdin, strict=strict, same=same)]
    prompts = [word for word in said if word != "-" and not _paths(word)]
    return (*files, *([_of_prompts(prompts)] if prompts else []))


def title_of(plan: PromptFile) -> str:
    """Return what a plan is called: its file, or its first prompt."""
    return plan.jobs[0].request.prompt if plan.path == PROMPT else plan.path.stem


def _files(word: str, stdin: Callable[[], str], *, strict: bool, same: Same) -> Iterator[PromptFile]:
    if word == "-":
        yield read_prompt_text(stdin(), STDIN, strict=strict, same=same)
        return
    for path in _paths(word):
        yield read_prompt_file(path, strict=strict, same=same)


def _paths(word: str) -> tuple[Path, ...]:
    """Return the prompt files a word means; none if it is a prompt.

    Raises:
        MissingFileError: It is a folder or a pattern without prompt files.
    """
    if word == "-" or not word.strip():
        return ()
    path = Path(word)
    try:
        if path.is_file():
            return (path,)
        if path.is_dir():
            return _some((file for file in path.iterdir() if _is_prompt_file(file)), word)
        found = sorted(glob.glob(word, recursive=True)) if glob.has_magic(word) else []  # noqa: PTH207 relative and absolute ones
    except (OSError, ValueError):  # too long for a name, or a zero byte: words
        return ()
    if found:
        return _some((Path(name) for name in found if _is_prompt_file(Path(name))), word)
    if path.suffix.lower() in FORMATS or _is_in_a_folder(path, word):
        return (path,)
    return ()


def _is_in_a_folder(path: Path, word: str) -> bool:
    """Tell whether a word without a blank names a place in a folder that is there."""
    return not any(letter.isspace() for letter in word) and path.parent != Path() and path.parent.is_dir()


def _is_prompt_file(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in FORMATS


def _some(paths: Iterator[Path], word: str) -> tuple[Path, ...]:
    found = tuple(sorted(paths))
    if not found:
        raise MissingFileError(
            "there is no prompt file", where=word, remedy=f"Prompt files end in {', '.join(FORMATS)}."
        )
    return found


def _of_prompts(prompts: Sequence[str]) -> PromptFile:
    if not all(prompt.strip() for prompt in prompts):
        raise RequestError("a prompt is empty", remedy='Write what to draw, for example "red heart".')
    entries = [
        PromptEntry(name="", request=RenderRequest(prompt=prompt), line=number)
        for number, prompt in enumerate(prompts, start=1)
    ]
    jobs, sheet = expand(entries)
    return PromptFile(
        path=PROMPT, jobs=jobs, sheet=sheet, text="\n".join(prompt.replace("\n", " ") for prompt in prompts)
    )
