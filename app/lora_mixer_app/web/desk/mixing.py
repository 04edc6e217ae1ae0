"""What the desk's controls ask of a mix: balanced strengths, a surprise, and two mixes to choose from."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lora_mixer import LoraUse
from lora_mixer.choices import BY_BLOCK
from lora_mixer.families import Family
from lora_mixer.keys import blocks_of
from lora_mixer_app.web.desk.asked import grammar_of, heard_strips, model_of
from lora_mixer_app.web.desk.conversion import sounding, strip_of_use, use_of
from lora_mixer_app.web.desk.document import form_of, read_document
from lora_mixer_app.web.desk.sync import read_tags
from lora_mixer_app.web.mixing_api import proposed, surprised
from lora_mixer_app.web.state import AppState, owner_of

Form = dict[str, Any]
BALANCED = ("strength", "text", "blocks", "elements")
"""Fields of a strip that balancing changes."""


def balance_mix(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return balanced strengths of what is heard of a `document`, `per` block or for the whole mix.

    Strips of regions are left alone: they act in places of their own. `strips` are changes by the strips' numbers, `prompt`
    is the prompt with its tags rewritten (None where none is), and `told` says of each LoRA between which strengths it acts
    in the blocks, before and after.
    """
    document = read_document(data.get("document"))
    model = model_of(state, request, document.request.model)
    family, steps = model.family, document.request.steps or 1
    inside = {number for region in document.regions for number in region.strips}
    heard = [one for one in heard_strips(state, request, data.get("document")) if one.number not in inside]
    uses = [use_of(strip, family=family, steps=steps) for strip in heard]
    with state.turn(request, state.listened(request), model=model.name):
        found = state.mixer.balanced(uses, per=str(data.get("per") or BY_BLOCK), model=model.name).uses
    forms = [form_of(strip_of_use(use, family=family)) for use in found]
    own = len([one for one in sounding(document.strips) if one.number not in inside])
    pairs = zip(heard[:own], forms, strict=False)
    strips = {str(one.number): {name: form[name] for name in BALANCED} for one, form in pairs}
    return {
        "strips": strips,
        "prompt": _rewritten(document.request.prompt, found[own:], family, grammar_of(state, model)),
        "told": [
            {"name": use.name, "before": _range(use, family), "after": _range(then, family)}
            for use, then in zip(uses, found, strict=True)
        ],
    }


def surprise_mix(state: AppState, request: gr.Request, data: Form) -> Form:
    """Return strengths by name, drawn by a `seed` within `limits` by name, of at most so many (`most`) LoRAs."""
    del state, request
    return surprised(data.get("limits"), int(data.get("seed") or 0), int(data.get("most") or 3))


def propose_mixes(state: AppState, request: gr.Request, data: Form) -> list[Form]:
    """Return two mixes within `limits`, after keeping which of the last two was `picked`, and which was the `other`."""
    return proposed(state, owner_of(request), data.get("limits"), data.get("picked"), data.get("other"))


def _rewritten(prompt: str, uses: tuple[LoraUse, ...], family: Family, grammar: str) -> str | None:
    """Return a prompt whose tags say what uses say, in their order; None where nothing is to be rewritten."""
    if not uses:
        return None
    pieces, position = [], 0
    for tag, use in zip(read_tags(prompt, grammar), uses, strict=True):
        pieces += [prompt[position : tag.at], strip_of_use(use, family=family).tag_text()]
        position = prompt.index(">", tag.at) + 1
    return "".join([*pieces, prompt[position:]])


def _range(use: LoraUse, family: Family) -> list[float]:
    """Return the least and the greatest strength that a LoRA has in a block of the denoiser."""
    given = use.strength
    found = [given.denoiser * given.blocks.get(block, 1.0) for block in blocks_of(family)]
    return [round(min(found), 3), round(max(found), 3)]
