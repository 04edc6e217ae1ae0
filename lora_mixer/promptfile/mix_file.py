"""Mix files: a mix of LoRAs by itself, in the TOML that prompt files use for theirs, small enough to share."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from pydantic import Field, field_validator, model_validator

from lora_mixer.catalog.toml_lines import line_of
from lora_mixer.catalog.toml_text import BadToml, load_toml
from lora_mixer.choices import SUM, find_method
from lora_mixer.errors import BrokenFileError, ConfigError, FileError, MissingFileError, RequestError
from lora_mixer.files import read_file
from lora_mixer.keys import elements_text
from lora_mixer.mixes import LoraUse, Mix
from lora_mixer.places import DrawnMask, Rectangle
from lora_mixer.promptfile.parts import LoraTable, RegionTables, StrictTable
from lora_mixer.promptfile.schema import read_table
from lora_mixer.regions import Region, region_table
from lora_mixer.strength_forms import text_keys

MAX_BYTES = 1024 * 1024


class MixTable(StrictTable):
    """The whole file."""

    title: str | None = None
    method: str = SUM.row.name
    loras: list[LoraTable] = Field(default=[], max_length=1000)
    regions: RegionTables = Field(default=[])

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.loras and not self.regions:
            raise ValueError("loras: there is none, and no region")
        if any(isinstance(table.region().mask, Path) for table in self.regions):
            raise ValueError("regions: a mask that is a picture's path cannot stand in a mix; draw it")
        return self

    @field_validator("method")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            return str(find_method(value))
        except RequestError as error:
            raise ValueError(str(error)) from error


class MixFile(NamedTuple):
    """What a mix file holds.

    Attributes:
        mix: LoRAs for the whole picture.
        regions: Parts of the picture with LoRAs of their own.
    """

    mix: Mix
    regions: tuple[Region, ...] = ()

    def whole(self, where: str) -> Mix:
        """Return the mix, where regions cannot be taken.

        Raises:
            ConfigError: There are some.
        """
        if self.regions:
            raise ConfigError(
                "this mix has regions, which act in a picture and not here",
                where=where,
                remedy="Take its tables [[regions]] out, or render with it.",
            )
        return self.mix


def read_mix(path: Path) -> Mix:
    """Return the mix of a file without regions.

    Raises:
        MissingFileError: It cannot be read.
        ConfigError: It is no mix, or has regions: the line, the key and what was expected are in the text.
    """
    return read_mix_file(path).whole(str(path))


def parse_mix(data: bytes, *, where: str) -> Mix:
    """Return the mix of a file's bytes, without regions.

    Args:
        data: The bytes.
        where: What errors call the file.

    Raises:
        ConfigError: They are no mix, or one with regions.
    """
    return parse_mix_file(data, where=where).whole(where)


def read_mix_file(path: Path) -> MixFile:
    """Return what a file holds.

    Raises:
        MissingFileError: It cannot be read.
        ConfigError: It is no mix: the line, the key and what was expected are in the text.
    """
    try:
        return parse_mix_file(read_file(path, at_most=MAX_BYTES), where=str(path))
    except BrokenFileError as error:
        raise _too_large(str(path)) from error
    except FileError as error:
        raise MissingFileError(
            f"the mix cannot be read: {error.what}", where=str(path), remedy="Check the path."
        ) from error


def parse_mix_file(data: bytes, *, where: str) -> MixFile:
    """Return what a file's bytes hold.

    Args:
        data: The bytes.
        where: What errors call the file.

    Raises:
        ConfigError: They are no mix.
    """
    if len(data) > MAX_BYTES:
        raise _too_large(where)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"this is no TOML: {error}", where=where, remedy="Save it as UTF-8 text.") from error
    table = load_toml(text)
    if isinstance(table, BadToml):
        at = f"{where}, {table.place}" if table.place else where
        raise ConfigError(
            f"this is no TOML: {table.what.removeprefix('not TOML: ')}",
            where=at,
            remedy="Save a mix on the page and compare.",
        )
    mix = read_table(MixTable, table)
    if not isinstance(mix, MixTable):
        fault = mix[0]
        raise ConfigError(
            fault.what,
            where=f"{where}:{line_of(text, fault.key)}",
            remedy='A mix is made of tables [[loras]] with name = "..." and strength = 0.8.',
        )
    loras = tuple(lora.use() for lora in mix.loras)
    return MixFile(Mix(loras, mix.method), tuple(table.region() for table in mix.regions))


def _too_large(where: str) -> ConfigError:
    return ConfigError("the mix is larger than 1 MiB", where=where, remedy="A mix is a list of LoRAs.")


def mix_text(mix: Mix | Iterable[LoraUse], regions: Iterable[Region] = ()) -> str:
    """Return a mix as the text of a file that `read_mix_file` gives back.

    Args:
        mix: LoRAs for the whole picture.
        regions: Parts of the picture with LoRAs of their own.

    Raises:
        RequestError: A mask is a picture, which a text cannot hold.

    >>> from lora_mixer import Strength
    >>> print(mix_text([LoraUse(name="line_art", strength=Strength(0.8))]), end="")
    # A mix of LoRA Mixer: choose it on the desk, or `lora-mixer render FILE --mix THIS_FILE`.
    <BLANKLINE>
    [[loras]]
    name = "line_art"
    strength = 0.8
    """
    given = mix if isinstance(mix, Mix) else Mix(tuple(mix))
    tables = ["\n".join(("[[loras]]", *lora_lines(use))) for use in given.uses]
    tables += ["\n".join(_region_lines(region)) for region in regions]
    if given.method != SUM.row.name:
        tables.insert(0, f"method = {json.dumps(given.method)}")
    head = "# A mix of LoRA Mixer: choose it on the desk, or `lora-mixer render FILE --mix THIS_FILE`."
    return "\n\n".join((head, *tables)) + "\n"


def _region_lines(region: Region) -> Iterator[str]:
    yield "[[regions]]"
    for key, value in region_table(region).items():
        yield f"{key} = {json.dumps(value, ensure_ascii=False)}".replace("\x7f", "\\u007f")
    for use in region.loras:
        yield from ("", "[[regions.loras]]", *lora_lines(use))


def lora_lines(use: LoraUse) -> Iterator[str]:
    """Yield the lines of a LoRA's table, without its head.

    Raises:
        RequestError: A mask is a picture, which a text cannot hold.
    """
    given = use.strength
    yield f"name = {json.dumps(use.name, ensure_ascii=False)}"
    yield f"strength = {float(given.denoiser)!r}"
    yield from (f"{key} = {float(value)!r}" for key, value in text_keys(given.text))
    if given.blocks:
        yield f"blocks = {{ {', '.join(f'{name} = {float(factor)!r}' for name, factor in given.blocks.items())} }}"
    if given.curve is not None:
        yield f"curve = [{', '.join(f'[{float(at)!r}, {float(factor)!r}]' for at, factor in given.curve.points)}]"
    if isinstance(given.mask, Rectangle):
        mask = given.mask
        yield f"mask = [{', '.join(repr(float(side)) for side in (mask.left, mask.top, mask.right, mask.bottom))}]"
    elif isinstance(given.mask, DrawnMask):
        yield f"mask = {json.dumps(given.mask.text)}"
    elif given.mask is not None:
        raise RequestError(
            "a mask that is a picture cannot stand in a mix",
            where=f"LoRA {use.name}",
            remedy="Use a rectangle, or none.",
        )
    if given.negative:
        yield "negative = true"
    if given.rank is not None:
        yield f"rank = {given.rank}"
    if given.elements:
        yield f"elements = {json.dumps(elements_text(given.elements))}"
