"""ComfyUI's own names, as its LoRA extraction and saving nodes write them: the model's paths as they are in memory.

Source: ComfyUI's documentation of the "generic" LoRA form: `diffusion_model.` and `text_encoders.` state dict names;
OneTrainer `LoRASaverMixin.py` (`_save_comfy`). SimpleTuner's `lora_format=comfyui` put the same word before diffusers'
paths up to May 2026 (`helpers/training/lora_format.py`, `convert_diffusers_to_comfyui`), and writes kohya's since.
"""

from __future__ import annotations

from lora_mixer.keys.ldm import ldm_paths
from lora_mixer.keys.scheme import Scheme, paths_of
from lora_mixer.modules import Family, ModuleName


def _spell(name: ModuleName, family: Family) -> tuple[str, ...]:
    if name.part == "unet":
        return tuple(f"diffusion_model.{path}" for path in (*ldm_paths(name.path), name.path))
    first = "clip_h" if family is Family.SD2 else "clip_l"
    encoder = first if name.part == "te1" else "clip_g"
    return tuple(f"text_encoders.{encoder}.transformer.{path}" for path in paths_of(name))


COMFY = Scheme(
    name="comfyui",
    title="ComfyUI (diffusion_model.input_blocks.1....)",
    pattern=r"(diffusion_model|text_encoders)\.",
    spell=_spell,
)
