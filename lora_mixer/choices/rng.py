"""Where the noise comes from, by AUTOMATIC1111's names: its setting `RNG`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lora_mixer.choices.names import key_of, unknown

CPU = "cpu"
NV = "nv"

RNGS: Mapping[str, str] = MappingProxyType(
    {
        CPU: "torch's generator on the CPU; A1111 with the setting `CPU`",
        NV: "what torch draws on an NVIDIA card, computed on the CPU; A1111 with `NV`, or with `GPU` (its default) there",
    }
)
"""Name -> what it means."""

RNG_ALIASES: Mapping[str, str] = MappingProxyType({"gpu": NV, "cuda": NV})


def find_rng(name: str) -> str:
    """Return the random number generator of a name.

    >>> find_rng("GPU"), find_rng("NV"), find_rng("cpu")
    ('nv', 'nv', 'cpu')

    Raises:
        RequestError: There is none of that name; the nearest is in the text.
    """
    by_key = {key_of(known): known for known in RNGS} | {key_of(alias): meant for alias, meant in RNG_ALIASES.items()}
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    raise unknown("random number generator", name, [*RNGS, *RNG_ALIASES])
