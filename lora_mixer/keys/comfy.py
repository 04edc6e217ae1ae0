"""ComfyUI's own names, as its LoRA extraction and saving nodes write them: the model's paths as they are in memory.

Source: ComfyUI's documentation of the "generic" LoRA form: `diffusion_model.` and `text_encoders.` state dict names;
OneTrainer `LoRASaverMixin.py` (`_save_comfy`). SimpleTuner's `lora_format=comfyui` put the same word before diffusers'
paths up to May 2026 (`helpers/training/lora_format.py`, `convert_diffusers_to_comfyui`), and writes kohya's since.
"""

from __future__ import annotations

from lora_mixer.families import Family
from lora_mixer.keys.scheme import Scheme, paths_of
from lora_mixer.modules import DENOISER, ModuleName


def _spell(name: ModuleName, family: Family) -> tuple[str, ...]:
    if name.part == DENOISER:
        return tuple(f"diffusion_model.{path}" for path in (*family.denoiser.original(name.path), name.path))
    encoder = family.encoder(name.part)
    return () if encoder is None else tuple(f"text_encoders.{encoder.comfy}.transformer.{p}" for p in paths_of(name))


COMFY = Scheme(
    name="comfyui",
    title="ComfyUI (diffusion_model.input_blocks.1....)",
    pattern=lambda: r"(?:diffusion_model|text_encoders)\.",
    spell=_spell,
)
