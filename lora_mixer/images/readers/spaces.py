"""Demos over diffusers, such as Hugging Face's Animagine spaces: JSON in diffusers' words under `metadata` or `parameters`.

Format: `app.py` and `utils.py` of cagliostrolab's spaces; the words are the arguments of diffusers' pipelines. JSON of unknown
programs is read by the same words, if it has a prompt, a seed and steps.
"""

from __future__ import annotations

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft, shown
from lora_mixer.images.readers.jsons import Table, list_of, read_table, table_of
from lora_mixer.images.readers.names import DIFFUSERS
from lora_mixer.images.save import PARAMETERS

KEYS = ("metadata", PARAMETERS, "Comment", "comment", "generation_params")
STEPS = ("num_inference_steps", "steps")
NEGATIVES = ("negative_prompt", "negativePrompt", "negative")
SCALES = ("guidance_scale", "cfg_scale", "cfgScale", "cfg")
SIZES = ("resolution", "size")
NO_STYLE = frozenset({None, "", "(None)", "None"})
MODELS = ("model", "Model", "model_id", "base_model", "model_name")
SAMPLERS = ("sampler", "scheduler", "scheduler_name", "sampler_name")
STRENGTHS = ("multiplier", "scale", "weight", "strength", "adapter_weight")
LORA_NAMES = ("selected_lora", "name", "path", "model", "adapter_name", "weight_name")


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what JSON of these words says; None if there is none."""
    del budget
    for key in KEYS:
        table = read_table(texts.by_key.get(key))
        if isinstance(table.get("prompt"), str) and "seed" in table and any(name in table for name in STEPS):
            return _found(table)
    return None


def _found(table: Table) -> ReaderResult:
    draft = RequestDraft()
    draft.text("prompt", table.get("prompt"))
    draft.text("negative", _first(table, NEGATIVES))
    draft.number("seed", table.get("seed"))
    draft.number("steps", _first(table, STEPS))
    draft.number("cfg", _first(table, SCALES))
    draft.number("cfg_rescale", table.get("guidance_rescale"))
    wide, by, high = str(_first(table, SIZES)).partition("x")
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
