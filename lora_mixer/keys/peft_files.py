"""Where PEFT's settings of a file lie: in its header, or in an `adapter_config.json` beside it. Either may be damaged."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from lora_mixer.families import component_folders
from lora_mixer.files import CONFIG, TensorFile, config_beside
from lora_mixer.keys.peft_settings import Component, RefusedMethod, component_of, refusal

HEADER = "lora_adapter_metadata"
_MOST_BYTES = 2**20
_OTHERS = ("transformer",)
"""The denoiser's folder in families that are only recognised."""


class Address(NamedTuple):
    """A module as PEFT knows it: the component it belongs to, empty if the name has none, and its path in there."""

    component: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeftSettings:
    """One place's settings.

    Attributes:
        source: Where they stand, in words.
        components: By component; the empty name is for files that hold only one.
        refused: A method that cannot be applied.
        digest: The sha256 of the file beside, empty for a header, which the file's own digest covers.
    """

    source: str
    components: Mapping[str, Component]
    refused: RefusedMethod | None = None
    digest: str = ""

    def of(self, module: str) -> tuple[Component, str] | None:
        """Return the settings for a module as a file spells it, and its path within its component."""
        address = address_of(module)
        found = self.components.get(address.component) or self.components.get("")
        return (found, address.path) if found else None


class FoundSettings(NamedTuple):
    """All settings of a file, the header's first, and sentences about those that cannot be used."""

    settings: tuple[PeftSettings, ...] = ()
    remarks: tuple[str, ...] = ()


def address_of(module: str) -> Address:
    """Return a dotted module's component and path.

    >>> address_of("base_model.model.unet.mid_block.attentions.0.proj_in")
    Address(component='unet', path='mid_block.attentions.0.proj_in')
    """
    match = _spelled(component_folders()).fullmatch(module)
    return Address(match[1] or "", match[2]) if match else Address("", module)


@lru_cache(maxsize=4)
def _spelled(folders: tuple[str, ...]) -> re.Pattern[str]:
    """Return what a dotted module looks like: its component, if it says so, and its path."""
    return re.compile(rf"(?:base_model\.model\.)?(?:({'|'.join(folders)})\.)?(?:base_model\.model\.)?(.+)")


def find_settings(file: TensorFile) -> FoundSettings:
    """Return what PEFT's settings of a file say, wherever they stand."""
    settings, remarks = [], []
    for source, text in _texts(file):
        try:
            settings.append(_settings(source, text))
        except (ValueError, RecursionError) as error:
            remarks.append(f"{source} cannot be used: {' '.join(str(error).split())[:200]}")
    return FoundSettings(tuple(settings), tuple(remarks))


def _texts(file: TensorFile) -> Iterator[tuple[str, str]]:
    if HEADER in file.metadata:
        yield f"its {HEADER}", file.metadata[HEADER]
    config = config_beside(file.path)
    if config is not None:
        yield f"the {CONFIG} beside it", _read(config)


def _read(path: Path) -> str:
    """Return a text of no more than a mebibyte; what is wrong with a longer one is found when it is parsed."""
    try:
        with path.open("rb") as handle:
            return handle.read(_MOST_BYTES).decode("utf-8-sig", "replace")
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _settings(source: str, text: str) -> PeftSettings:
    table = json.loads(text)
    if not isinstance(table, dict):
        raise ValueError("it is no table")  # noqa: TRY004 - a wrong file, not a wrong call
    by_part = {part: _under(part, table) for part in (*component_folders(), *_OTHERS)}
    tables = {part: found for part, found in by_part.items() if found} or {"": table}
    refused = next(filter(None, map(refusal, tables.values())), None)
    return PeftSettings(
        source=source,
        components={} if refused else {part: component_of(found) for part, found in tables.items()},
        refused=refused,
        digest="" if HEADER in source else hashlib.sha256(text.encode()).hexdigest(),
    )


def _under(part: str, table: Mapping[str, object]) -> dict[str, object]:
    return {key.removeprefix(f"{part}."): value for key, value in table.items() if key.startswith(f"{part}.")}
