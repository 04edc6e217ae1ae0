"""One tree of errors: each says what happened, where, and what to do.

```
LoraMixerError                exit code
├── RequestError              2    a value somebody asked for is impossible
│   └── PromptError           2    a prompt that cannot be read (with its position)
├── ConfigError               3    models.toml or a prompt file is wrong (line, key, what was expected)
├── FileError                 4    a file cannot be used
│   ├── MissingFileError           it is not there
│   ├── BrokenFileError            truncated, lying header, not safetensors, NaN
│   │   └── ChangedFileError       written, replaced or deleted since it was opened
│   └── UnsafeFileError            reading it could run code
├── AdapterError              5    an adapter (LoRA) cannot be applied
│   ├── UnknownAdapterError        no file of that name
│   ├── WrongFamilyError           made for another base model
│   ├── PartialAdapterError        some of its tensors fit nowhere
│   ├── BrokenAdapterError         rank 0, wrong shapes, incomplete groups
│   └── UnsupportedAdapterError    made by a method that is not applied here
├── ModelError                6    a model cannot be opened or is not known
├── RenderError               7    the render itself failed (out of memory, non-finite picture)
├── PartialRunError           8    a run made some of its pictures, not all
└── CancelledError          130    somebody pressed Cancel or Ctrl+C
```
"""

from __future__ import annotations

from typing import ClassVar


class LoraMixerError(Exception):
    """Base of every error this package raises on purpose.

    Args:
        what: What happened, as a short sentence without a full stop.
        where: The file, key, line or option it happened at.
        remedy: What the reader can do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, where: str | None = None, remedy: str | None = None) -> None:
        self.what = what
        self.where = where
        self.remedy = remedy
        super().__init__(what, where, remedy)

    def __str__(self) -> str:
        """Return the error as one line: where: what. remedy."""
        line = f"{self.where}: {self.what}" if self.where else self.what
        if self.remedy:
            line = f"{line.rstrip('.')}. {self.remedy}"
        return " ".join(line.split())


class RequestError(LoraMixerError):
    """A value in a request, option or call is impossible."""

    exit_code = 2


class PromptError(RequestError):
    """A prompt that cannot be read; `position` is the offset of the first offending character."""

    def __init__(
        self, what: str, *, position: int | None = None, where: str | None = None, remedy: str | None = None
    ) -> None:
        self.position = position
        super().__init__(what, where=where, remedy=remedy)


class ConfigError(LoraMixerError):
    """models.toml or a prompt file is wrong: the line, the key and what was expected are in the text."""

    exit_code = 3


class FileError(LoraMixerError):
    """A file cannot be used."""

    exit_code = 4


class MissingFileError(FileError):
    """The file or folder is not there, or is not readable."""


class BrokenFileError(FileError):
    """The file is truncated, lies about itself, or is not of the format its name says."""


class ChangedFileError(BrokenFileError):
    """The file was written, replaced or deleted since it was opened; nothing is recorded that it may have spoiled."""


class UnsafeFileError(FileError):
    """Reading the file could run code, so it is not read."""


class AdapterError(LoraMixerError):
    """An adapter cannot be applied to the model."""

    exit_code = 5


class UnknownAdapterError(AdapterError):
    """No adapter of that name is in the folders."""


class WrongFamilyError(AdapterError):
    """The adapter was made for another base model than the one that is open."""


class PartialAdapterError(AdapterError):
    """Some of the adapter's tensors have no place on the model."""


class BrokenAdapterError(AdapterError):
    """The adapter's tensors contradict each other: rank 0, wrong shapes, half a pair, NaN."""


class UnsupportedAdapterError(AdapterError):
    """The adapter was made by a method that is not applied here, or one that changes the base model too."""


class ModelError(LoraMixerError):
    """A model is unknown, cannot be opened, or lacks a piece."""

    exit_code = 6


class RenderError(LoraMixerError):
    """The render itself failed."""

    exit_code = 7


class PartialRunError(LoraMixerError):
    """A run over many pictures made some of them; those that failed are listed with their reasons."""

    exit_code = 8


class CancelledError(LoraMixerError):
    """The work was cancelled by its user."""

    exit_code = 130
