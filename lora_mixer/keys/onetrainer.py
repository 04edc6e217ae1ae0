"""OneTrainer's three dotted forms; "kohya" and "legacy" are kohya's, "comfy" ComfyUI's, "diffusers" PEFT's.

Source: OneTrainer `modules/util/convert/lora/convert_sd_lora.py`, `convert_sdxl_lora.py`, `convert_clip.py` (up to July
2026), `modules/modelSaver/mixin/LoRASaverMixin.py` (`_save_original`, since then).
"""

from __future__ import annotations

from lora_mixer.families import Family, denoiser_kinds, text_encoders
from lora_mixer.keys.scheme import (
    Scheme,
    any_of,
    kohya_prefixes,
    of_denoisers,
    of_text_encoders,
    original_blocks,
    paths_of,
)
from lora_mixer.modules import DENOISER, ModuleName


def _spell(name: ModuleName, family: Family) -> tuple[str, ...]:
    prefixes = kohya_prefixes(family, name.part)
    return tuple(f"{prefix}.{path}" for prefix in prefixes for path in paths_of(name) if prefix.startswith("lora"))


def _spell_omi(name: ModuleName, family: Family) -> tuple[str, ...]:
    if name.part == DENOISER:
        return tuple(f"{family.denoiser.folder}.{path}" for path in family.denoiser.original(name.path))
    encoder = family.encoder(name.part)
    return () if encoder is None else tuple(f"{encoder.omi}.{path}" for path in paths_of(name))


def _omi_pattern() -> str:
    denoisers = any_of(kind.folder for kind in denoiser_kinds())
    encoders = any_of(encoder.omi for encoder in text_encoders())
    return rf"(?:{denoisers})\.(?:{original_blocks()})\.|(?:{encoders})\."


def _spell_bare(name: ModuleName, family: Family) -> tuple[str, ...]:
    return family.denoiser.original(name.path) if name.part == DENOISER else ()


ONETRAINER = Scheme(
    name="onetrainer",
    title="OneTrainer (lora_unet.down_blocks.0....)",
    pattern=lambda: rf"(?:{of_denoisers()}|{of_text_encoders()})\.",
    spell=_spell,
)
OMI = Scheme(
    name="omi",
    title="OMI, the open model initiative's form (unet.input_blocks.1....)",
    pattern=_omi_pattern,
    spell=_spell_omi,
)
BARE = Scheme(
    name="ldm",
    title="OneTrainer's original form (input_blocks.1.1....lora_A)",
    pattern=lambda: rf"(?:{original_blocks()})\.",
    spell=_spell_bare,
)
