"""Demos over diffusers, such as Hugging Face's Animagine spaces: JSON in diffusers' words under `metadata` or `parameters`.

Format: `app.py` and `utils.py` of cagliostrolab's spaces; the words are the arguments of diffusers' pipelines.
"""

from __future__ import annotations

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import Texts
from lora_mixer.images.readers.draft import Draft, Found, shown
from lora_mixer.images.readers.jsons import Table, list_of, read_table, table_of
from lora_mixer.images.readers.names import DIFFUSERS
from lora_mixer.images.save import PARAMETERS

KEYS = ("metadata", PARAMETERS, "Comment", "comment", "generation_params")
MARK = "num_inference_steps"
NO_STYLE = frozenset({None, "", "(None)", "None"})
MODELS = ("model", "Model", "model_id", "base_model")
SAMPLERS = ("sampler", "scheduler", "scheduler_name")
STRENGTHS = ("multiplier", "scale", "weight", "strength", "adapter_weight")
LORA_NAMES = ("selected_lora", "name", "path", "model", "adapter_name", "weight_name")


def read(texts: Texts, budget: Budget) -> Found | None:
    """Return what a demo's picture says; None if it is another's."""
    del budget
    for key in KEYS:
        table = read_table(texts.by_key.get(key))
        if MARK in table and "use_stable_diffusion_model" not in table:
            return _found(table)
    return None


def _found(table: Table) -> Found:
    draft = Draft()
    draft.text("prompt", table.get("prompt"))
    draft.text("negative", table.get("negative_prompt"))
    draft.number("seed", table.get("seed"))
    draft.number("steps", table.get(MARK))
    draft.number("cfg", table.get("guidance_scale"))
    draft.number("cfg_rescale", table.get("guidance_rescale"))
    wide, by, high = str(table.get("resolution", "")).partition("x")
    draft.size(*((wide.strip(), high.strip()) if by else (table.get("width"), table.get("height"))))
    draft.sampler(DIFFUSERS, _first(table, SAMPLERS))
    model = _first(table, MODELS)
    draft.model(table_of(model).get("Model", model))
    for lora in (table.get("use_lora"), *list_of(table.get("loras"))):
        entry = table_of(lora)
        if entry:
            draft.lora(_first(entry, LORA_NAMES), _first(entry, STRENGTHS))
        elif lora:
            draft.unknown("the LoRA", lora)
    if table.get("use_upscaler"):
        draft.note(f"a second pass over the enlarged picture is not carried over: {shown(table['use_upscaler'])}")
    if table.get("sdxl_style") not in NO_STYLE:
        draft.note(f"the style {shown(table['sdxl_style'])} stands in the prompt already")
    return draft.found()


def _first(table: Table, keys: tuple[str, ...]) -> object:
    return next((table[key] for key in keys if table.get(key) is not None), None)
