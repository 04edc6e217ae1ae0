"""Requests and their filled-in forms, made from the tables of settings.

What type checkers and editors know of them stands in `classes.pyi`, which `python -m lora_mixer.settings` writes from the
same tables.
"""

from __future__ import annotations

from typing import Any, TypedDict

from lora_mixer.errors import RequestError
from lora_mixer.inputs import InputPicture  # noqa: F401 likewise
from lora_mixer.mixes import Loras, LoraUse  # noqa: F401 the fields' types are looked up here by name
from lora_mixer.regions import Region  # noqa: F401 likewise
from lora_mixer.settings.input_picture import MASKING
from lora_mixer.settings.limits import MAX_ENLARGED, MAX_STEPS
from lora_mixer.settings.making import asked_class, filled_class
from lora_mixer.settings.picture import PICTURE
from lora_mixer.settings.second_pass import SECOND_PASS


def _check_course(hires: Any) -> None:  # noqa: ANN401 made below
    """Refuse more steps than the end of a schedule has."""
    if hires.steps > MAX_STEPS * hires.denoise:
        raise RequestError(
            f"{hires.steps} hires steps at a denoise of {hires.denoise:g} are the end of a course of too many steps",
            remedy=f"Use {hires.steps / MAX_STEPS:g} or more for the denoise, or fewer steps.",
        )


def _check_start(settings: Any) -> None:  # noqa: ANN401 made below
    """Refuse a mask of no picture, a second pass over a part, and a share of the steps that is none.

    Of a record, everything that a start is made of must be said.
    """
    if settings.init is None:
        if settings.mask is not None:
            raise RequestError("a mask says what of an init picture is drawn anew, and there is none", remedy=GIVE_INIT)
        return
    missing = [name for name in ("denoise", "resize_mode") if getattr(settings, name) is None]
    missing += [name for name in MASKING if settings.mask is not None and getattr(settings, name) is None]
    if missing:
        raise RequestError(f"{missing[0].replace('_', ' ')} is not said, and there is an init picture")
    if int(settings.steps * settings.denoise) < 1:
        raise RequestError(
            f"a denoise of {settings.denoise:g} is not one of {settings.steps} steps",
            remedy=f"Use {1 / settings.steps:.3g} or more, or more steps.",
        )
    if settings.mask is not None and settings.hires is not None:
        raise RequestError(
            "a second pass would draw over what the mask keeps",
            remedy="Leave out hires or the mask, or render the second pass from the finished picture with --init.",
        )


def _check_upscale(settings: Any) -> None:  # noqa: ANN401 made below
    """Refuse a picture that would be too large, and one that is to be enlarged nobody knows how."""
    last = settings.hires or settings
    largest = int(max(last.width, last.height) * settings.upscale)
    if settings.upscale > 1 and largest > MAX_ENLARGED:
        raise RequestError(
            f"the picture would be {largest} pixels long",
            remedy=f"{MAX_ENLARGED} are the most: use a lower upscale, or a smaller size.",
        )
    if settings.upscale > 1 and settings.upscaler is None:
        raise RequestError("the picture is to be enlarged, and no upscaler is said")


GIVE_INIT = "Give the picture as init (--init)."
Hires = asked_class(
    "Hires",
    SECOND_PASS,
    module=__name__,
    doc="A second pass over the enlarged picture, of a scale or a size; what is left out is as in the first.",
)
HiresSettings = filled_class(
    "HiresSettings",
    SECOND_PASS,
    module=__name__,
    doc="A second pass with every gap filled; width and height follow from the scale, if one was asked for.",
    asked=Hires,
    together=(_check_course,),
)
RenderRequest = asked_class(
    "RenderRequest",
    PICTURE,
    module=__name__,
    doc="One picture that is asked for. Everything but the prompt may be left to the defaults.",
    parts={"hires": Hires},
)
Settings = filled_class(
    "Settings",
    PICTURE,
    module=__name__,
    doc="A request with every gap filled: what is rendered, and what the record says.",
    asked=RenderRequest,
    together=(_check_start, _check_upscale),
)
RequestOptions = TypedDict(  # type: ignore[misc]  # `classes.pyi` says its fields
    "RequestOptions", {row.name: Loras if row.name == "loras" else object for row in PICTURE.rows[1:]}, total=False
)
