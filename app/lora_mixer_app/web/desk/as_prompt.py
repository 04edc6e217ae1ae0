"""The desk as one prompt, for other programs: the mix as tags, regions as SwarmUI writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gradio as gr

from lora_mixer import LoraUse, Rectangle
from lora_mixer.families import Family
from lora_mixer.places import BACKGROUND, RestOfPicture
from lora_mixer.regions import FOUND, Region
from lora_mixer_app.web.desk.asked import asked_request
from lora_mixer_app.web.desk.conversion import strip_of_use
from lora_mixer_app.web.state import AppState


def document_prompt(state: AppState, request: gr.Request, data: dict[str, Any]) -> str:
    """Return the prompt of a `document` with the mix as tags and its regions.

    What a prompt cannot say is left out: masks, painted regions, negative texts of regions.
    """
    asked = asked_request(state, request, data.get("document"))
    family = state.model(request).family
    beside = [use for use in asked.loras if not use.strength.negative]  # in front: behind it a region may begin
    parts = [*_tags(beside, family), asked.prompt]
    for region in asked.regions:
        if (place := _place(region)) is not None:
            parts += [f"<region:{place}>", region.prompt, *_tags(region.loras, family)]
    return " ".join(part for part in parts if part)


def _tags(uses: Iterable[LoraUse], family: Family) -> list[str]:
    return [strip_of_use(use, family=family).tag_text() for use in uses]


def _place(region: Region) -> str | None:
    """Return what stands in a region's tag; None where it cannot be said there."""
    mask, words = region.mask, region.words.strip()
    if isinstance(mask, Rectangle):
        place = ",".join(
            f"{side:.4g}" for side in (mask.left, mask.top, mask.right - mask.left, mask.bottom - mask.top)
        )
    elif mask is None or isinstance(mask, RestOfPicture):
        place = FOUND if mask is None else BACKGROUND
    else:
        return None
    if any(mark in words for mark in ",<>"):
        return None
    named = [("strength", f"{region.weight:g}", "1"), ("feather", f"{region.feather:g}", "0"), ("words", words, "")]
    return ",".join([place, *(f"{name}={value}" for name, value, usual in named if value != usual)])
