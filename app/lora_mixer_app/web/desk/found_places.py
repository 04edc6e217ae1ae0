"""Places that a picture's regions and LoRAs were found at: as masks that are shown on it, and may be edited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from lora_mixer import LoraUse, RenderRequest
from lora_mixer.choices.places import AUTO, GIVEN
from lora_mixer.images import RenderRecord
from lora_mixer.mixer.regions import auto_courses
from lora_mixer.places import DrawnMask
from lora_mixer.regions import Region
from lora_mixer_app.serving.input_store import InputStore
from lora_mixer_app.web.desk.document import document_of
from lora_mixer_app.web.desk.pictures import kept_picture
from lora_mixer_app.web.desk.starts import taken_back, with_sent_masks
from lora_mixer_app.web.desk.sync import read_tags
from lora_mixer_app.web.state import AppState, owner_of

Form = dict[str, Any]


def picture_places(state: AppState, request: gr.Request, data: Form) -> list[Form]:
    """Return the places that were found in a picture (`id`): their `words`, and a `mask` by its digest."""
    found = kept_picture(state, request, data).record.places
    owner = owner_of(request)
    return [{"words": words, "mask": {"id": _kept(mask, state.inputs, owner)}} for words, mask in found.items()]


def places_document(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return a picture's settings (`id`) as a document whose regions are the places that were found.

    It makes the same picture: what was found is given back as masks, under the same words.
    """
    kept = kept_picture(state, request, data)
    owner = owner_of(request)
    asked = taken_back(state.inputs, kept, owner=owner)
    held = _held(asked, kept.record, state)
    placed = (*_placed(asked, kept.record.places), *(region for region, _ in held))
    wish = with_sent_masks(replace(asked, places=GIVEN, regions=placed), state.inputs, owner=owner)
    document = document_of(wish, family=state.model(request).family)
    for region, (_, names) in zip(document["regions"][len(asked.regions) :], held, strict=True):
        region["strips"] = [strip["number"] for strip in document["strips"] if strip["name"] in names]
    return document


def _placed(asked: RenderRequest, found: Mapping[str, DrawnMask]) -> tuple[Region, ...]:
    """Return the regions of a request, those that were found by their words with their masks."""

    def at(region: Region) -> Region:
        words = region.words.strip() or region.prompt.strip()
        return replace(region, mask=found[words], words=words) if region.mask is None and words in found else region

    return tuple(map(at, asked.regions))


def _held(asked: RenderRequest, record: RenderRecord, state: AppState) -> list[tuple[Region, frozenset[str]]]:
    """Return a region for each LoRA that was held where its trained words were found, with that LoRA's name."""
    if asked.places != AUTO:
        return []
    grammar = asked.grammar or "default"
    uses = [*asked.loras, *(LoraUse(tag.name) for tag in read_tags(asked.prompt, grammar))]
    courses = auto_courses(uses, lambda name: state.mixer.library.find(name).trained_words, asked.prompt, ())
    return [
        (replace(course.region, mask=record.places[course.words]), course.holds)
        for course in courses
        if course.words in record.places
    ]


def _kept(mask: DrawnMask, inputs: InputStore, owner: str) -> str:
    return inputs.take(mask.file, owner=owner).id
