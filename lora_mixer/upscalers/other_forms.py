"""Every other form of upscaling network, by spandrel: ESRGAN, SwinIR, DAT, HAT, SPAN, OmniSR and their kin."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from lora_mixer.errors import BrokenFileError, ModelError

_TORCHVISION = ("torchvision", "torchvision.transforms", "torchvision.transforms.functional")


class Descriptor(Protocol):
    """What is used of spandrel's `ImageModelDescriptor`."""

    @property
    def model(self) -> nn.Module:
        """The network."""

    @property
    def architecture(self) -> HasName:
        """Its form."""

    @property
    def tiling(self) -> HasName:
        """How it is given large pictures."""

    @property
    def input_channels(self) -> int:
        """Channels of a picture before; 3 are colours."""

    @property
    def output_channels(self) -> int:
        """Channels of a picture afterwards."""

    @property
    def scale(self) -> int:
        """How many times as wide and high its picture is."""

    @property
    def supports_half(self) -> bool:
        """Whether it computes in float16."""

    def to(self, device: torch.device, dtype: torch.dtype) -> object:
        """Move it."""

    def __call__(self, pictures: Tensor) -> Tensor:
        """Return pictures (n, 3, h, w), values from 0 to 1, `scale` times as large."""


class HasName(Protocol):
    """Something with a name."""

    @property
    def name(self) -> str:
        """What it is called."""


def load_by_spandrel(spellings: Iterable[Mapping[str, Tensor]], where: str) -> Descriptor:
    """Return spandrel's descriptor of the network these are the weights of, by the first spelling it knows.

    Raises:
        ModelError: spandrel is not installed, or the network is no upscaler of colour pictures.
        BrokenFileError: It is none that spandrel knows, or a tensor is missing.
    """
    spandrel = _spandrel(where)
    found = next((made for tensors in spellings if (made := _load(spandrel, tensors, where)) is not None), None)
    if found is None:
        raise BrokenFileError(
            "it is no upscaler that is known here", where=where, remedy="Take an ESRGAN, SwinIR, DAT or compact file."
        )
    enlarges = isinstance(found, spandrel.ImageModelDescriptor)
    if not enlarges or (found.input_channels, found.output_channels) != (3, 3):
        raise ModelError(
            f"{found.architecture.name} does not enlarge colour pictures", where=where, remedy="Choose an upscaler."
        )
    return found


def _load(spandrel: ModuleType, tensors: Mapping[str, Tensor], where: str) -> Descriptor | None:
    try:
        with warnings.catch_warnings(action="ignore"):  # theirs, about torch's functions of yesterday
            return cast(Descriptor, spandrel.ModelLoader().load_from_state_dict(dict(tensors)))
    except spandrel.UnsupportedModelError:
        return None
    except (RuntimeError, ValueError, KeyError, IndexError, AssertionError, TypeError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise BrokenFileError(f"its network cannot be built: {first[:300]}", where=where) from error


def _spandrel(where: str) -> ModuleType:
    try:
        with _without_torchvision():
            return import_module("spandrel")
    except ImportError as error:
        raise ModelError(
            "this form of upscaler needs the package spandrel",
            where=where,
            remedy="Install it: pip install 'lora-mixer[upscalers]'.",
        ) from error


@contextmanager
def _without_torchvision() -> Iterator[None]:
    """Let spandrel be imported where torchvision is missing or does not fit torch.

    Two of its networks use it (LaMa paints out, RestoreFormer mends faces), neither of them an upscaler; all are
    imported at once. The stand-in is gone before anyone else looks for torchvision.
    """
    if "spandrel" in sys.modules or _torchvision_works():
        yield
        return
    stand_ins = {name: ModuleType(name) for name in _TORCHVISION}
    for module in stand_ins.values():
        for name in ("InterpolationMode", "rotate", "normalize"):
            setattr(module, name, None)
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            sys.modules.pop(name, None)


def _torchvision_works() -> bool:
    try:
        import_module(_TORCHVISION[-1])
    except (ImportError, RuntimeError, OSError):  # built for another torch: operators or libraries are missing
        for name in [name for name in sys.modules if name == "torchvision" or name.startswith("torchvision.")]:
            del sys.modules[name]
        return False
    return True
