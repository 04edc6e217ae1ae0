"""Presets for models and LoRAs distilled for few steps.

Sources: the model cards of latent-consistency/lcm-lora-sdv1-5, ByteDance/SDXL-Lightning, ByteDance/Hyper-SD,
stabilityai/sdxl-turbo, tianweiy/DMD2 and h1t/TCD-SD15-LoRA. Their "guidance 0" is cfg 1 here: the prompt alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lora_mixer.choices.names import key_of, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A set of sampling settings.

    Attributes:
        name: Its name.
        sampler: The sampler.
        schedule: The schedule.
        steps: How many steps.
        cfg: How strongly the prompt guides.
        eta: How much noise the sampler adds; None leaves it to the sampler.
        wants: The LoRA it is made for, in words.
        words: Words that stand in the names of such LoRAs.
    """

    name: str
    sampler: str
    schedule: str
    steps: int
    cfg: float
    eta: float | None = None
    wants: str
    words: tuple[str, ...]

    def suits(self, names: Iterable[str]) -> bool:
        """Tell whether one of these names looks like what the preset is made for.

        >>> find_preset("lcm").suits(["lcm-lora-sdv1-5"]), find_preset("lcm").suits(["volcman"])
        (True, False)
        """
        found = {word for name in names for word in re.findall(r"[a-z]+", name.casefold())}
        return not found.isdisjoint(self.words)


PRESETS: tuple[Preset, ...] = (
    Preset(
        name="lcm",
        sampler="LCM",
        schedule="Automatic",
        steps=8,
        cfg=1.5,
        wants="an LCM LoRA, such as lcm-lora-sdv1-5",
        words=("lcm",),
    ),
    Preset(
        name="lightning",
        sampler="Euler",
        schedule="Trailing",
        steps=4,
        cfg=1.0,
        wants="an SDXL Lightning LoRA, such as sdxl_lightning_4step_lora",
        words=("lightning",),
    ),
    Preset(
        name="hyper",
        sampler="DDIM",
        schedule="Trailing",
        steps=8,
        cfg=1.0,
        wants="a Hyper-SD LoRA, such as Hyper-SD15-8steps-lora",
        words=("hyper", "hypersd", "hypersdxl"),
    ),
    Preset(
        name="turbo",
        sampler="Euler a",
        schedule="Trailing",
        steps=4,
        cfg=1.0,
        wants="a turbo model, or a turbo LoRA",
        words=("turbo",),
    ),
    Preset(
        name="dmd2",
        sampler="LCM",
        schedule="SGM Uniform",
        steps=4,
        cfg=1.0,
        wants="a DMD2 LoRA, such as dmd2_sdxl_4step_lora",
        words=("dmd", "dmdr"),
    ),
    Preset(
        name="tcd",
        sampler="TCD",
        schedule="Automatic",
        steps=4,
        cfg=1.0,
        eta=0.3,
        wants="a TCD LoRA, such as TCD-SD15-LoRA",
        words=("tcd",),
    ),
)


def find_preset(name: str) -> Preset:
    """Return the preset of a name.

    Raises:
        RequestError: There is none of that name; the nearest is in the text.
    """
    by_key = {key_of(row.name): row for row in PRESETS}
    if key_of(name) in by_key:
        return by_key[key_of(name)]
    raise unknown("preset", name, [row.name for row in PRESETS])
