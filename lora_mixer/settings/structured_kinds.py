"""What values of several parts a setting takes: names, LoRAs, regions, pictures, and settings of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import listed, wrong_type
from lora_mixer.inputs import InputPicture
from lora_mixer.mixes import check_strength, mix_of
from lora_mixer.regions import MOST_REGIONS, check_region, regions_as_json, regions_of
from lora_mixer.settings.kinds import ValueKind


@dataclass(frozen=True, slots=True, kw_only=True)
class TableNames(ValueKind):
    """A list of names, joined with those of the defaults."""

    annotation: ClassVar[str] = "tuple[str, ...]"
    plain: ClassVar[frozenset[type]] = frozenset()
    of: str

    def normalise(self, owner: str, name: str, value: object) -> object:
        """See `ValueKind`; a list becomes a tuple."""
        names = listed(value)
        if not all(isinstance(one, str) for one in names):
            raise wrong_type(owner, name, value, "a list of names", f'{name}=["cinematic"]')
        return names

    @property
    def expected(self) -> str:
        """See `ValueKind`."""
        return f"a list of names of {self.of}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MixOfLoras(ValueKind):
    """LoRAs with their strengths."""

    annotation: ClassVar[str] = "tuple[LoraUse, ...]"
    plain: ClassVar[frozenset[type]] = frozenset()

    def normalise(self, owner: str, name: str, value: Any) -> object:  # noqa: ANN401 whatever was given
        """See `ValueKind`; a table of strengths becomes a mix."""
        del owner, name
        return mix_of(value)

    def check(self, what: str, value: Any) -> None:  # noqa: ANN401 a mix
        """See `ValueKind`."""
        del what
        for use in value:
            check_strength(use)

    @property
    def expected(self) -> str:
        """See `ValueKind`."""
        return "LoRAs with their strengths"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionList(ValueKind):
    """Parts of the picture with texts and LoRAs of their own."""

    annotation: ClassVar[str] = "tuple[Region, ...]"
    plain: ClassVar[frozenset[type]] = frozenset()

    def normalise(self, owner: str, name: str, value: object) -> object:
        """See `ValueKind`; a table becomes a region."""
        del owner, name
        return regions_of(value)

    def check(self, what: str, value: Any) -> None:  # noqa: ANN401 regions
        """See `ValueKind`; what is rendered holds its masks, wherever they came from."""
        if len(value) > MOST_REGIONS:
            raise RequestError(f"there are {len(value)} {what}", remedy=f"{MOST_REGIONS} are the most.")
        for region in value:
            check_region(region)
            if isinstance(region.mask, Path):
                raise RequestError("the mask of a region is not opened at a path here", remedy="Draw it again.")

    @property
    def expected(self) -> str:
        """See `ValueKind`."""
        return "regions"

    def read(self, text: str) -> object | None:
        """See `ValueKind`; no text of a stranger names a file here."""
        try:
            regions = regions_of(json.loads(text))
            self.check("regions", regions)
        except (RequestError, ValueError, TypeError, RecursionError):
            return None
        return regions

    def write(self, value: Any) -> str:  # noqa: ANN401 regions
        """See `ValueKind`; as JSON, as the page and calls over HTTP have it."""
        return json.dumps(regions_as_json(value), ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureValue(ValueKind):
    """A picture that goes into a render: a path, a Pillow image, or the bytes of a file."""

    annotation: ClassVar[str] = "InputPicture"
    plain: ClassVar[frozenset[type]] = frozenset({InputPicture})

    def normalise(self, owner: str, name: str, value: object) -> object:
        """See `ValueKind`; whatever it is given as, it becomes an `InputPicture`."""
        return InputPicture.of(value, owner=owner, name=name)

    @property
    def expected(self) -> str:
        """See `ValueKind`."""
        return "the path of a picture"

    def read(self, text: str) -> None:
        """See `ValueKind`; no text of a stranger names a file here."""

    def write(self, value: object) -> str:
        """See `ValueKind`; its name, without folders."""
        return value.name if isinstance(value, InputPicture) else str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedTable(ValueKind):
    """A table of settings of its own, such as a second pass.

    Attributes:
        annotation_asked: The class of what is asked for.
        annotation_filled: The class with every gap filled.
        holds: What it is, as the end of a sentence.
        example: How it is written in Python.
    """

    annotation_asked: str
    annotation_filled: str
    holds: str
    example: str

    @property
    def expected(self) -> str:
        """See `ValueKind`."""
        return self.holds
