"""What modules and families are called in the files other programs read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lora_mixer.keys import SCHEMES, Scheme
from lora_mixer.keys.ldm import ldm_paths
from lora_mixer.modules import Family, ModuleIndex, ModuleName

BASE_MODELS: Mapping[Family, tuple[str, str]] = MappingProxyType(
    {
        Family.SD1: ("sd_v1", "stable-diffusion-v1"),
        Family.SD2: ("sd_v2", "stable-diffusion-v2"),
        Family.SDXL: ("sdxl_base_v1-0", "stable-diffusion-xl-v1-base"),
        Family.SDXL_REFINER: ("sdxl_refiner_v1-0", "stable-diffusion-xl-v1-refiner"),
        Family.EMOJI: ("lora_mixer_emoji", "lora-mixer-emoji"),
    }
)
"""kohya's `ss_base_model_version` and the SAI model specification's `modelspec.architecture`."""

_LDM_NAMED = frozenset({Family.SDXL, Family.SDXL_REFINER})
"""Families whose UNet kohya names by LDM's blocks, and A1111 finds only so."""

_SCHEMES: Mapping[str, Scheme] = MappingProxyType({scheme.name: scheme for scheme in SCHEMES})


def kohya_name(name: ModuleName, family: Family, index: ModuleIndex) -> str:
    """Return a module's name in a LoRA file, as kohya's trainer writes it for this family.

    >>> from lora_mixer.modules import ModuleIndex
    >>> kohya_name(
    ...     ModuleName("unet", "mid_block.attentions.0.proj_in"), Family.SD1, ModuleIndex(family=Family.SD1, modules={})
    ... )
    'lora_unet_mid_block_attentions_0_proj_in'
    """
    if name.part == "unet" and family in _LDM_NAMED and ldm_paths(name.path):
        return "lora_unet_" + ldm_path(name.path, index).replace(".", "_")
    return _SCHEMES["kohya"].spell(name, family)[0]


def ldm_path(path: str, index: ModuleIndex) -> str:
    """Return the LDM path of a module of a UNet; an upsampler stands behind its level's attention, if it has one."""
    paths = ldm_paths(path)
    if len(paths) == 1:
        return paths[0]
    level = path.split(".upsamplers.")[0]
    has_attention = any(name.path.startswith(f"{level}.attentions.") for name in index.modules)
    return paths[1] if has_attention else paths[0]
