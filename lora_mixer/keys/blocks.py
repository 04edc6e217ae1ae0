"""Blocks of the UNet by the names block weights use: BASE, IN00 .. IN11, MID, OUT00 .. OUT11."""

from __future__ import annotations

from functools import lru_cache

from lora_mixer.keys.ldm import ldm_paths
from lora_mixer.modules import Family, ModuleName

BASE = "BASE"
_SIDES = {"input_blocks": "IN", "output_blocks": "OUT"}


@lru_cache(maxsize=8192)
def block_of(name: ModuleName, family: Family) -> str:
    """Return the block a module belongs to.

    Text encoders are BASE, and so is what belongs to no block of the UNet (time embedding, output layer).

    >>> block_of(ModuleName("unet", "up_blocks.1.attentions.2.proj_in"), Family.SD1)
    'OUT05'
    """
    del family
    paths = ldm_paths(name.path) if name.part == "unet" else ()
    root, _, rest = paths[0].partition(".") if paths else ("", "", "")
    if root == "middle_block":
        return "MID"
    if root in _SIDES:
        return f"{_SIDES[root]}{int(rest.split('.', 1)[0]):02d}"
    return BASE
