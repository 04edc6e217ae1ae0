"""kohya's names: a prefix for the part, then the module's path with every dot an underscore.

Source: sd-scripts `networks/lora.py` (`LORA_PREFIX_*`) and `oft.py` (`OFT_PREFIX_UNET`); LyCORIS and OneTrainer
("legacy") write the same. With transformers 5 a trainer meets text encoders without their `text_model` level.
"""

from __future__ import annotations

from lora_mixer.keys.ldm import ldm_paths
from lora_mixer.keys.scheme import Scheme, paths_of, prefixes_of
from lora_mixer.modules import Family, ModuleName

PREFIXES = {"unet": ("lora_unet", "oft_unet"), "te1": ("lora_te1",), "te2": ("lora_te2",)}
ALONE = ("lora_te",)


def _spell(name: ModuleName, family: Family) -> tuple[str, ...]:
    prefixes = prefixes_of(name, family, PREFIXES, ALONE)
    return tuple(f"{prefix}_{path.replace('.', '_')}" for prefix in prefixes for path in paths_of(name))


def _spell_ldm(name: ModuleName, _family: Family) -> tuple[str, ...]:
    if name.part != "unet":
        return ()
    flat = [path.replace(".", "_") for path in ldm_paths(name.path)]
    return tuple(f"{prefix}_{path}" for prefix in PREFIXES["unet"] for path in flat)


KOHYA = Scheme(
    name="kohya",
    title="kohya (lora_unet_down_blocks_0_...)",
    pattern=r"(lora_(unet|te1?|te2)|oft_unet)_",
    spell=_spell,
)
KOHYA_LDM = Scheme(
    name="kohya-ldm",
    title="kohya with the original block names (lora_unet_input_blocks_1_...)",
    pattern=r"(lora|oft)_unet_(input_blocks|middle_block|output_blocks|time_embed_|label_emb|out_)",
    spell=_spell_ldm,
)
