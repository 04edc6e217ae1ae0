"""Pictures that a document names by their digests: what it starts from, and masks. The store has the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from lora_mixer import DrawnMask, LoraUse, RenderRequest
from lora_mixer.images.drawn_masks import drawn_mask
from lora_mixer.inputs import InputPicture
from lora_mixer.mixer import inputs_beside
from lora_mixer.regions import Region
from lora_mixer_app.serving.history import Kept
from lora_mixer_app.serving.input_store import InputStore
from lora_mixer_app.web.desk.advanced import START
from lora_mixer_app.web.desk.sync import Strips

MASK = "mask"  # the place of settings that are said where there is a mask


class SentForm(BaseModel):
    """A picture that was sent, by its digest; its size is the browser's own note."""

    model_config = ConfigDict(extra="ignore")

    id: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    width: int = 0
    height: int = 0


class StartForm(BaseModel):
    """What a picture starts from, and what of it is drawn anew."""

    model_config = ConfigDict(extra="ignore")

    init: SentForm | None = None
    mask: SentForm | None = None


def start_fields(
    start: StartForm | None, settings: Mapping[str, Any], inputs: InputStore, *, owner: str
) -> dict[str, Any]:
    """Return the fields of a request that say what it starts from; none without an input picture.

    Raises:
        MissingFileError: A picture is not in the store any more.
    """
    if start is None or start.init is None:
        return {}
    pictures = {"init": _opened(start.init, inputs, owner)}
    if start.mask is not None:
        pictures["mask"] = _opened(start.mask, inputs, owner)
    said = (control for control in START if start.mask is not None or control.how.place != MASK)
    return pictures | {c.field: settings[c.field] for c in said if settings.get(c.field) is not None}


def _opened(sent: SentForm, inputs: InputStore, owner: str) -> InputPicture:
    return InputPicture.of(inputs.path(sent.id, owner=owner).read_bytes())


def with_drawn_masks(strips: Strips, inputs: InputStore, *, owner: str) -> Strips:
    """Return strips whose masks are pixels, where the document names a picture of the store by its digest.

    Raises:
        MissingFileError: A mask is not in the store any more.
        RequestError: A mask has more in it than a record can hold.
    """
    return tuple(
        replace(strip, mask=drawn_mask(inputs.path(strip.mask.name, owner=owner)))
        if isinstance(strip.mask, Path)
        else strip
        for strip in strips
    )


def start_of(request: RenderRequest) -> dict[str, Any]:
    """Return what a request starts from as a document has it; see `taken_back`."""
    return {name: _form(getattr(request, name)) for name in ("init", "mask")}


def start_settings(request: RenderRequest) -> dict[str, Any]:
    """Return the settings of how a request starts, as far as it says them."""
    return {control.field: value for control in START if (value := getattr(request, control.field)) is not None}


def _form(picture: InputPicture | None) -> dict[str, Any] | None:
    if picture is None or picture.sha256 is None:
        return None
    return {"id": picture.sha256}


def taken_back(inputs: InputStore, kept: Kept, *, owner: str) -> RenderRequest:
    """Return the request of a kept picture, with the pictures it started from and its masks back in the store.

    Raises:
        MissingFileError: What it started from is nowhere any more.
        FileError: It cannot be kept.
    """
    asked = kept.record.settings.request()
    for path in inputs_beside(kept.record, kept.path):
        inputs.take(path.read_bytes(), owner=owner)
    for picture in (asked.init, asked.mask):
        if picture is not None and picture.sha256:
            inputs.path(picture.sha256, owner=owner)
    return with_sent_masks(asked, inputs, owner=owner)


def with_sent_masks(request: RenderRequest, inputs: InputStore, *, owner: str) -> RenderRequest:
    """Return a request whose drawn masks, of LoRAs and of regions, are pictures of the store by their digests.

    Raises:
        FileError: One cannot be kept.
    """

    def sent(mask: object) -> Path | None:
        return Path(inputs.take(mask.file, owner=owner).id) if isinstance(mask, DrawnMask) else None

    def of(use: LoraUse) -> LoraUse:
        kept = sent(use.strength.mask)
        return use if kept is None else replace(use, strength=replace(use.strength, mask=kept))

    def at(region: Region) -> Region:
        return replace(region, mask=sent(region.mask) or region.mask, loras=tuple(map(of, region.loras)))

    return replace(request, loras=tuple(map(of, request.loras)), regions=tuple(map(at, request.regions)))
