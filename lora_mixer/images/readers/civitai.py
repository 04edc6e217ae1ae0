"""Civitai's generator over ComfyUI: EXIF's comment holds the graph, with `extra` and `extraMetadata` among its nodes.

Format: `src/utils/metadata/comfy.metadata.ts` of civitai/civitai. `extraMetadata` is JSON in a string and says what the person
asked for; the graph has the size and the LoRAs, whose files are named by Civitai's `urn:air`. The generator's other form is
A1111's text with `Civitai resources`.
"""

from __future__ import annotations

from dataclasses import replace

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.readers.comfyui import found_in_graph
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft
from lora_mixer.images.readers.jsons import Table, list_of, read_table, table_of
from lora_mixer.images.readers.names import A1111
from lora_mixer.images.save import PARAMETERS

NUMBERS = (("seed", "seed"), ("steps", "steps"), ("cfg", "cfgScale"), ("clip_skip", "clipSkip"))


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what a picture of Civitai's generator says; None if it is another's."""
    table = read_table(texts.by_key.get(PARAMETERS))
    if not {"extra", "extraMetadata"} & table.keys():
        return None
    text = table.get("extraMetadata")
    said = read_table(text) if isinstance(text, str) else table_of(text)
    graph = found_in_graph({key: node for key, node in table.items() if "class_type" in table_of(node)}, texts, budget)
    return _joined(said, graph) if said else graph


def _joined(said: Table, graph: ReaderResult) -> ReaderResult:
    """Return what was asked for, with what only the graph says."""
    draft = RequestDraft()
    draft.text("prompt", said.get("prompt"))
    draft.text("negative", said.get("negativePrompt"))
    for name, key in NUMBERS:
        draft.number(name, said.get(key))
    draft.size(said.get("width"), said.get("height"))
    draft.sampler(A1111, said.get("sampler"))
    request = draft.request()
    known = graph.request
    if known is not None:
        request = replace(request.over(known), loras=known.loras)
        if "sampler" in draft.values and request.sampler != known.sampler:
            request = replace(request, schedule=draft.values.get("schedule"))
    resources = [item for item in map(table_of, list_of(said.get("resources"))) if item.get("strength") is not None]
    if len(resources) > len(request.loras):
        draft.unknown("some of Civitai's resources,", [item.get("modelVersionId") for item in resources])
    notes = tuple(note for note in graph.notes if known is None or not note.startswith("not understood: sampler"))
    return ReaderResult(request=request, notes=(*draft.notes, *notes))
