"""What modules and families are called in the files other programs read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lora_mixer.families import Family, ModuleIndex
from lora_mixer.keys import SCHEMES, Scheme
from lora_mixer.modules import DENOISER, ModuleName

_SCHEMES: Mapping[str, Scheme] = MappingProxyType({scheme.name: scheme for scheme in SCHEMES})


def kohya_name(name: ModuleName, family: Family, index: ModuleIndex) -> str:
    """Return a module's name in a LoRA file, as kohya's trainer writes it for this family.

    >>> from lora_mixer.families import SD1
    >>> index = ModuleIndex(family=SD1, modules={})
    >>> kohya_name(ModuleName(DENOISER, "mid_block.attentions.0.proj_in"), SD1, index)
    'lora_unet_mid_block_attentions_0_proj_in'
    """
    if name.part == DENOISER and family.kohya_original and family.denoiser.original(name.path):
        return f"{family.denoiser.kohya[0]}_{original_path(name.path, index).replace('.', '_')}"
    return _SCHEMES["kohya"].spell(name, family)[0]


def original_path(path: str, index: ModuleIndex) -> str:
    """Return the path of a module of the denoiser in the original code base, as a file is written."""
    return index.family.denoiser.written(path, [name.path for name in index.modules if name.part == DENOISER])
