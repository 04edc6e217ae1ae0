"""The table of naming schemes. A scheme stands above every other whose pattern its spellings would match too."""

from __future__ import annotations

import re
from functools import lru_cache

from lora_mixer.families import Family, all_families
from lora_mixer.keys.comfy import COMFY
from lora_mixer.keys.diffusers import PEFT, PROCESSOR
from lora_mixer.keys.kohya import KOHYA, KOHYA_LDM
from lora_mixer.keys.onetrainer import BARE, OMI, ONETRAINER
from lora_mixer.keys.openclip import OPENCLIP
from lora_mixer.keys.scheme import Scheme
from lora_mixer.keys.simpletuner import SIMPLETUNER

SCHEMES: tuple[Scheme, ...] = (
    KOHYA_LDM,
    OPENCLIP,
    KOHYA,
    ONETRAINER,
    SIMPLETUNER,
    COMFY,
    OMI,
    BARE,
    PROCESSOR,
    PEFT,
)


def scheme_of(module: str) -> Scheme | None:
    """Return the scheme a module is spelled in, or None if it is in none we know.

    >>> scheme_of("lora_unet_input_blocks_1_1_proj_in").name
    'kohya-ldm'
    """
    match = _any(all_families()).match(module)
    if match is None:
        return None
    (number,) = (int(group[1:]) for group, found in match.groupdict().items() if found is not None)
    return SCHEMES[number]


@lru_cache(maxsize=4)
def _any(_families: tuple[Family, ...]) -> re.Pattern[str]:
    """Return one expression for all schemes of the families there are."""
    return re.compile("|".join(f"(?P<s{number}>{scheme.pattern()})" for number, scheme in enumerate(SCHEMES)))
