"""Easy Diffusion: a PNG chunk for each setting, or JSON in EXIF's comment for JPEG and WebP.

Format: `ui/easydiffusion/utils/save_utils.py` of easydiffusion/easydiffusion, with keys either as in its requests or as
headings (`Prompt`, `Guidance Scale`). Before version 3.5 a LoRA stood as `use_lora_model` and `lora_alpha`, single or in lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft
from lora_mixer.images.readers.jsons import read_json, read_table
from lora_mixer.images.readers.names import EASY_DIFFUSION
from lora_mixer.images.save import PARAMETERS

HEADINGS: Mapping[str, str] = MappingProxyType(
    {
        "prompt": "Prompt",
        "negative_prompt": "Negative Prompt",
        "seed": "Seed",
        "use_stable_diffusion_model": "Stable Diffusion model",
        "clip_skip": "Clip Skip",
        "sampler_name": "Sampler",
        "scheduler_name": "Scheduler",
        "width": "Width",
        "height": "Height",
        "num_inference_steps": "Steps",
        "guidance_scale": "Guidance Scale",
        "use_lora_model": "LoRA model",
        "lora_alpha": "LoRA Strength",
        "prompt_strength": "Prompt Strength",
    }
)
ON = frozenset({"true", "True"})


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what an Easy Diffusion picture says; None if it is another's."""
    del budget
    table: dict[str, object] = dict(read_table(texts.by_key.get(PARAMETERS)) or texts.by_key)
    said = {key: table.get(key, table.get(heading)) for key, heading in HEADINGS.items()}
    if said["use_stable_diffusion_model"] is None or said["prompt"] is None:
        return None
    draft = RequestDraft()
    draft.text("prompt", said["prompt"])
    draft.text("negative", said["negative_prompt"])
    for name, key in (("seed", "seed"), ("steps", "num_inference_steps"), ("cfg", "guidance_scale")):
        draft.number(name, said[key])
    draft.size(said["width"], said["height"])
    draft.model(said["use_stable_diffusion_model"])
    draft.sampler(EASY_DIFFUSION, _none(said["sampler_name"]), _none(said["scheduler_name"]))
    if str(said["clip_skip"]) in ON:
        draft.values["clip_skip"] = 2
    for lora, strength in zip(_items(said["use_lora_model"]), _items(said["lora_alpha"]), strict=False):
        draft.lora(lora, strength)
    if _none(said["prompt_strength"]) is not None:
        draft.note("it was made from another picture, which is not carried over")
    return draft.found()


def _none(value: object) -> object:
    return None if value in ("", "None", "null") else value


def _items(value: object) -> list[object]:
    listed = read_json(value.replace("'", '"')) if isinstance(value, str) and value.lstrip()[:1] == "[" else value
    if isinstance(listed, list):
        return listed
    return [] if _none(listed) is None else [listed]
