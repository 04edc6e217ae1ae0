"""The desk's document: prompt, strips and settings as one JSON value, which the browser owns.

The browser changes it, keeps it, and sends the whole of it; the server reads it (`read_document`) and never edits it. Only
what somebody sends to the desk from elsewhere, a picture's settings or a saved mix, is made into one here (`document_of`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lora_mixer import Rectangle, RenderRequest
from lora_mixer.errors import RequestError
from lora_mixer.families import Family
from lora_mixer.prompt import Keyframes
from lora_mixer.regions import MOST_REGIONS
from lora_mixer.settings.limits import MAX_LETTERS
from lora_mixer_app.web.desk.advanced import CONTROLS, MAIN, asked_of, shown_for
from lora_mixer_app.web.desk.conversion import laid_out
from lora_mixer_app.web.desk.curves import ALWAYS, curve_text, with_curve
from lora_mixer_app.web.desk.regions import DeskRegion, RegionForm, form_of_region, laid_regions
from lora_mixer_app.web.desk.starts import SentForm, StartForm, start_of, start_settings
from lora_mixer_app.web.desk.strip import Strip
from lora_mixer_app.web.desk.sync import Strips

VERSION = 1
MOST_STRIPS = 64
LONGEST_TEXT = 4000

Number = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Weight = Number | tuple[tuple[tuple[Number, Number], ...], bool] | None
"""A strength, or (points, whether their positions are fractions of the course)."""


class StripForm(BaseModel):
    """A strip as the document has it; see `Strip` for what each field means.

    Attributes:
        curve: The factor over the steps, as the strip's box has it.
        mask: Left, top, right and bottom edge of a rectangle, in fractions of the picture; or a picture that was sent.
    """

    model_config = ConfigDict(extra="ignore")

    number: int
    name: Text
    strength: Number = 1.0
    text: Number | None = None
    on: bool = True
    solo: bool = False
    blocks: Text | None = None
    curve: Text = ALWAYS
    mask: tuple[Number, Number, Number, Number] | SentForm | None = None
    rank: int | None = None
    elements: Text | None = None
    hires: tuple[Weight, Weight] = (None, None)

    def strip(self) -> Strip:
        """Return the strip it says.

        Raises:
            RequestError: Its curve or its mask cannot be read.
        """
        mask: Rectangle | Path | None = None
        if isinstance(self.mask, SentForm):
            mask = Path(self.mask.id)
        elif self.mask is not None:
            left, top, right, bottom = self.mask
            mask = Rectangle(left=left, top=top, right=right, bottom=bottom)
        strip = Strip(
            number=self.number,
            name=self.name,
            denoiser=self.strength,
            text=self.text,
            on=self.on,
            solo=self.solo,
            blocks=None if self.blocks in {None, ""} else self.blocks,
            mask=mask,
            rank=self.rank,
            elements=self.elements or None,
            hires=(_weight(self.hires[0]), _weight(self.hires[1])),
        )
        return with_curve(strip, self.curve)


class DocumentForm(BaseModel):
    """A document as JSON.

    Attributes:
        regions: Parts of the picture, with the strips that act there.
        preset: The preset that is on, and what its settings were before: the browser's own.
        pad: The mix pad: the browser's own.
    """

    model_config = ConfigDict(extra="ignore")

    version: int = VERSION
    prompt: Annotated[str, Field(max_length=MAX_LETTERS)] = ""
    negative: Annotated[str, Field(max_length=MAX_LETTERS)] = ""
    strips: Annotated[tuple[StripForm, ...], Field(max_length=MOST_STRIPS)] = ()
    regions: Annotated[tuple[RegionForm, ...], Field(max_length=MOST_REGIONS)] = ()
    settings: dict[str, Any] = {}
    preset: dict[str, Any] | None = None
    pad: dict[str, Any] | None = None
    start: StartForm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What a document says.

    Attributes:
        request: The settings, with the prompt as it is written and without the strips.
        strips: The strips, on and off.
        regions: The regions.
        form: The document as it was sent.
    """

    request: RenderRequest
    strips: Strips
    regions: tuple[DeskRegion, ...]
    form: DocumentForm


def read_form(data: object) -> DocumentForm:
    """Return a document as it was sent.

    Raises:
        RequestError: It is none.
    """
    try:
        return DocumentForm.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise RequestError(f"the desk's document cannot be read: {first['msg']}", where=where or None) from error


def read_document(data: object) -> Document:
    """Return what a document says.

    Raises:
        RequestError: It is none, or a strip or a setting of it cannot be.
    """
    form = read_form(data)
    strips = tuple(strip.strip() for strip in form.strips)
    regions = tuple(one.region() for one in form.regions)
    return Document(request=RenderRequest(**request_fields(form)), strips=strips, regions=regions, form=form)


def request_fields(form: DocumentForm) -> dict[str, Any]:
    """Return the fields of a request that a document's settings say."""
    given = form.settings
    main = {control.field: given[control.field] for control in MAIN if given.get(control.field) is not None}
    main.pop("preset", None)  # has been laid on the knobs
    advanced = asked_of([given.get(control.field, control.plain) for control in CONTROLS])
    named = {"model": given["model"]} if given.get("model") else {}
    return {"prompt": form.prompt, "negative": form.negative} | main | advanced | named


def document_of(request: RenderRequest, *, family: Family) -> dict[str, Any]:
    """Return a request as a document; settings that it leaves open are not there, and stay as they are on the desk.

    Raises:
        PromptError: A prompt cannot be read.
        RequestError: A LoRA's name cannot stand in a tag.
    """
    shown, beside = laid_out(request, family=family)
    strips, regions = laid_regions(request, beside, family=family)
    main = {control.field: getattr(shown, control.field) for control in MAIN if control.field != "preset"}
    advanced = dict(zip((control.field for control in CONTROLS), shown_for(shown), strict=True))
    settings = {name: value for name, value in (main | advanced).items() if value is not None}
    document = {
        "prompt": shown.prompt,
        "strips": [form_of(strip) for strip in strips],
        "regions": [form_of_region(one) for one in regions],
        "settings": settings | start_settings(shown),
        "start": start_of(shown),
    }
    return document | ({} if shown.negative is None else {"negative": shown.negative})


def form_of(strip: Strip) -> Mapping[str, Any]:
    """Return a strip as a document has it."""
    mask = strip.mask
    form = StripForm(
        number=strip.number,
        name=strip.name,
        strength=strip.denoiser,
        text=strip.text,
        on=strip.on,
        solo=strip.solo,
        blocks=strip.blocks,
        curve=curve_text(strip),
        mask=_mask_form(mask),
        rank=strip.rank,
        elements=strip.elements,
        hires=(_plain(strip.hires[0]), _plain(strip.hires[1])),
    )
    return form.model_dump(mode="json")


def _mask_form(mask: object) -> tuple[float, float, float, float] | SentForm | None:
    if isinstance(mask, Path):
        return SentForm(id=mask.name)
    return (mask.left, mask.top, mask.right, mask.bottom) if isinstance(mask, Rectangle) else None


def _weight(value: Weight) -> float | Keyframes | None:
    return Keyframes(points=value[0], fraction=value[1]) if isinstance(value, tuple) else value


def _plain(value: float | Keyframes | None) -> Weight:
    return (value.points, value.fraction) if isinstance(value, Keyframes) else value
