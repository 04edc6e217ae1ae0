"""The table of denoisers: how each kind's network is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from lora_mixer.errors import ModelError
from lora_mixer.families import Config, Family
from lora_mixer.models.denoiser import Denoiser
from lora_mixer.models.unet import empty_unet, unet_of_file, unet_of_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """How a kind of denoiser is opened.

    Attributes:
        from_file: From a single file's tensors, its family, the dtype, and what errors call the file.
        from_folder: From its folder in a diffusers model, its family and the dtype.
        empty: From a configuration, with weights of no meaning.
    """

    from_file: Callable[[Mapping[str, Tensor], Family, torch.dtype, str], Denoiser]
    from_folder: Callable[[Path, Family, torch.dtype], Denoiser]
    empty: Callable[[Config], nn.Module]


OPENERS: Mapping[str, Opener] = {"unet": Opener(from_file=unet_of_file, from_folder=unet_of_folder, empty=empty_unet)}
"""By the name of the kind."""


def opener_of(family: Family) -> Opener:
    """Return how a family's denoiser is opened.

    Raises:
        ModelError: Nothing here opens its kind.
    """
    opener = OPENERS.get(family.denoiser.name)
    if opener is None:
        raise ModelError(f"a {family.denoiser.title} cannot be opened", remedy=f"There are: {', '.join(OPENERS)}.")
    return opener
