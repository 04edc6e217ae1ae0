"""kohya's names: a prefix for the part, then the module's path with every dot an underscore.

Source: sd-scripts `networks/lora.py` (`LORA_PREFIX_*`) and `oft.py` (`OFT_PREFIX_UNET`); LyCORIS and OneTrainer
("legacy") write the same. With transformers 5 a trainer meets text encoders without their `text_model` level.
"""

from __future__ import annotations

from lora_mixer.families import Family
from lora_mixer.keys.scheme import Scheme, kohya_prefixes, of_denoisers, of_text_encoders, original_blocks, paths_of
from lora_mixer.modules import DENOISER, ModuleName


def _spell(name: ModuleName, family: Family) -> tuple[str, ...]:
    prefixes = kohya_prefixes(family, name.part)
    return tuple(f"{prefix}_{path.replace('.', '_')}" for prefix in prefixes for path in paths_of(name))


def _spell_original(name: ModuleName, family: Family) -> tuple[str, ...]:
    if name.part != DENOISER:
        return ()
    flat = [path.replace(".", "_") for path in family.denoiser.original(name.path)]
    return tuple(f"{prefix}_{path}" for prefix in family.denoiser.kohya for path in flat)


KOHYA = Scheme(
    name="kohya",
    title="kohya (lora_unet_down_blocks_0_...)",
    pattern=lambda: f"(?:{of_denoisers()}|{of_text_encoders()})_",
    spell=_spell,
)
KOHYA_LDM = Scheme(
    name="kohya-ldm",
    title="kohya with the original block names (lora_unet_input_blocks_1_...)",
    pattern=lambda: f"(?:{of_denoisers()})_(?:{original_blocks()})_",
    spell=_spell_original,
)
