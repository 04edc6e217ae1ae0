"""Regions of the desk: parts of the picture with texts of their own, whose LoRAs are chosen among the strips.

A strip that a region names acts in the regions that name it, and nowhere else; one that none names acts everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from lora_mixer import LoraUse, Rectangle, RenderRequest
from lora_mixer.families import Family
from lora_mixer.images.drawn_masks import drawn_mask
from lora_mixer.places import BACKGROUND, RestOfPicture
from lora_mixer.regions import FOUND, Region, RegionMask
from lora_mixer_app.serving.input_store import InputStore, is_sent
from lora_mixer_app.web.desk.conversion import masked_inside, strip_of_use, use_of
from lora_mixer_app.web.desk.starts import SentForm
from lora_mixer_app.web.desk.strip import Strip
from lora_mixer_app.web.desk.sync import Strips, with_tags

LONGEST_TEXT = 4000
Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Place = tuple[Number, Number, Number, Number] | SentForm | Literal["background", "auto"]


class RegionForm(BaseModel):
    """A region as the document has it; see `Region` for what each field means.

    Attributes:
        number: Tells it from the others.
        mask: Edges of a rectangle, a picture that was sent, `background` or `auto`, as docs/regions.md has them.
        strips: The numbers of the strips that act in it.
    """

    model_config = ConfigDict(extra="ignore")

    number: int
    prompt: Text = ""
    negative: Text | None = None
    mask: Place = "auto"
    strips: tuple[int, ...] = ()
    weight: Share = 1.0
    feather: Share = 0.0
    words: Text = ""

    def region(self) -> DeskRegion:
        """Return the region it says."""
        mask: Any = Path(self.mask.id) if isinstance(self.mask, SentForm) else self.mask
        said = Region(self.prompt, mask, self.negative, (), self.weight, self.feather, self.words)
        return DeskRegion(number=self.number, region=said, strips=frozenset(self.strips))


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskRegion:
    """A region and the strips that act in it.

    Attributes:
        number: Tells it from the others.
        region: The region without LoRAs.
        strips: The numbers of its strips.
    """

    number: int
    region: Region
    strips: frozenset[int] = frozenset()


def with_sent_places(regions: Iterable[DeskRegion], inputs: InputStore, *, owner: str) -> tuple[DeskRegion, ...]:
    """Return regions whose masks are pixels, where the document names a picture of the store by its digest.

    Raises:
        MissingFileError: A mask is not in the store any more.
        RequestError: A mask has more in it than a record can hold.
    """

    def held(one: Region) -> Region:
        mask = one.mask
        return replace(one, mask=drawn_mask(inputs.path(mask.name, owner=owner))) if isinstance(mask, Path) else one

    return tuple(replace(one, region=held(one.region)) for one in regions)


def filled(regions: Iterable[DeskRegion], heard: Strips, *, family: Family, steps: int, grammar: str) -> list[Region]:
    """Return regions as a request has them: with the strips that are heard there.

    What only tags can say of a LoRA becomes one in the region's prompt.

    Raises:
        PromptError: A region's prompt cannot be read.
        RequestError: Block weights cannot be.
    """
    found = []
    for one in regions:
        inside = [strip for strip in heard if strip.number in one.strips]
        tags = [strip for strip in inside if strip.mask is None and _only_tags_say(strip)]
        uses = tuple(use_of(strip, family=family, steps=steps) for strip in inside if strip not in tags)
        prompt = with_tags(one.region.prompt, tags, grammar)
        found.append(replace(one.region, prompt=prompt, loras=uses))
    return found


def laid_regions(request: RenderRequest, strips: Strips, *, family: Family) -> tuple[Strips, list[DeskRegion]]:
    """Return a request's regions as the desk has them, and the strips with those of the regions behind them.

    Regions whose LoRA is the same in everything share a strip. Adapters of the negative half of guidance become tags of the
    region's negative prompt.

    Raises:
        RequestError: A LoRA's name cannot stand in a tag.
    """
    found: list[DeskRegion] = []
    own: dict[Strip, int] = {}
    first = max((strip.number for strip in strips), default=0) + 1
    for number, region in enumerate(request.regions, start=1):
        both = [strip_of_use(use, family=family) for use in region.loras if not use.strength.negative]
        numbers = frozenset(own.setdefault(strip, first + len(own)) for strip in both)
        bare = replace(region, loras=(), negative=_away(region, request.negative, family))
        found.append(DeskRegion(number=number, region=bare, strips=numbers))
    return (*strips, *(replace(strip, number=number) for strip, number in own.items())), found


def form_of_region(one: DeskRegion) -> Mapping[str, Any]:
    """Return a region as a document has it; a mask that is a file somewhere is left out (`masked_by_pictures`)."""
    said = one.region
    form = RegionForm(
        number=one.number,
        prompt=said.prompt,
        negative=said.negative,
        mask=_place(said.mask),
        strips=tuple(sorted(one.strips)),
        weight=said.weight,
        feather=said.feather,
        words=said.words,
    )
    return form.model_dump(mode="json")


def masked_by_pictures(request: RenderRequest) -> tuple[str, ...]:
    """Return what of a request has a mask that is a file somewhere, which the desk leaves out: LoRAs and texts of regions."""
    lost = (one for one in request.regions if isinstance(one.mask, Path) and not is_sent(str(one.mask)))
    return (*masked_inside(request.loras), *(one.prompt or one.words for one in lost))


def _away(region: Region, negative: str | None, family: Family) -> str | None:
    uses: Sequence[LoraUse] = [use for use in region.loras if use.strength.negative]
    if not uses:
        return region.negative
    said = region.negative if region.negative is not None else negative
    tags = (strip_of_use(use, family=family).tag_text() for use in uses)
    return " ".join(part for part in (said, *tags) if part)


def _only_tags_say(strip: Strip) -> bool:
    return strip.hires != (None, None)


def _place(mask: RegionMask) -> Any:  # noqa: ANN401 one of the forms of a place
    if isinstance(mask, Rectangle):
        return mask.left, mask.top, mask.right, mask.bottom
    if isinstance(mask, RestOfPicture):
        return BACKGROUND
    return SentForm(id=mask.name) if isinstance(mask, Path) and is_sent(mask.name) else FOUND
