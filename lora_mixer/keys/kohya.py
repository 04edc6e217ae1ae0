"""kohya's names: a prefix for the part, then the module's path with every dot an underscore.

Source: sd-scripts `networks/lora.py` (`LORA_PREFIX_*`), `oft.py` (`oft_unet`); LyCORIS and OneTrainer ("legacy")
write the same. OneTrainer's in-between form keeps the dots: `lora_unet.down_blocks.0...`.
"""

from __future__ import annotations

from lora_mixer.keys.ldm import ldm_paths
from lora_mixer.keys.scheme import Scheme, text_prefixes
from lora_mixer.modules import Family, ModuleName

_PREFIXES = {"unet": ("lora_unet", "oft_unet"), "te1": ("lora_te1",), "te2": ("lora_te2",)}
_ALONE = ("lora_te",)


def _spell(name: ModuleName, family: Family) -> tuple[str, ...]:
    prefixes = text_prefixes(family, _PREFIXES, _ALONE)[name.part]
    flat = name.path.replace(".", "_")
    return tuple(f"{prefix}_{flat}" for prefix in prefixes)


def _spell_dotted(name: ModuleName, family: Family) -> tuple[str, ...]:
    prefixes = text_prefixes(family, _PREFIXES, _ALONE)[name.part]
    return tuple(f"{prefix}.{name.path}" for prefix in prefixes if prefix.startswith("lora"))


def _spell_ldm(name: ModuleName, _family: Family) -> tuple[str, ...]:
    if name.part != "unet":
        return ()
    flat = [path.replace(".", "_") for path in ldm_paths(name.path)]
    return tuple(f"{prefix}_{path}" for prefix in _PREFIXES["unet"] for path in flat)


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
KOHYA_DOTTED = Scheme(
    name="onetrainer",
    title="OneTrainer with dots (lora_unet.down_blocks.0....)",
    pattern=r"lora_(unet|te1?|te2)\.",
    spell=_spell_dotted,
)
