"""Pictures and latents at another size: by interpolation, or by a network from a file."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from lora_mixer.choices import find_upscaler
from lora_mixer.errors import ChangedFileError
from lora_mixer.files import Leases, Seal
from lora_mixer.files.seal import AGAIN
from lora_mixer.kernels import release_memory
from lora_mixer.sampling import upscale_pictures
from lora_mixer.upscalers import TILE, Enlarged, Tile, UpscalingNetwork, enlarge, open_upscaler

KEPT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscalerUse:
    """A network that enlarges a picture, for its record.

    Attributes:
        name: Its name here, A1111's where it has one.
        sha256: The digest of its file.
        seal: Its file as it was when read.
    """

    name: str
    sha256: str
    seal: Seal


class Upscalers:
    """Open upscalers: the last few, found by their files as these were when read.

    Args:
        device: Where they compute.
        resting: Whether they leave the device as soon as they have enlarged a picture, as a model's networks do that rest
            elsewhere.
    """

    def __init__(self, device: torch.device, *, resting: bool = False) -> None:
        self._device, self._resting = device, resting
        self._open: OrderedDict[Seal, UpscalingNetwork] = OrderedDict()

    def check(self, use: UpscalerUse) -> None:
        """Refuse a file that is no upscaler, before anything is computed.

        Raises:
            FileError, ModelError: See `open_upscaler`.
            ChangedFileError: It was written meanwhile.
        """
        if use.seal not in self._open:
            with Leases([use.seal]) as files:
                self._keep(use.seal, open_upscaler(use.seal.path, device="cpu" if self._resting else self._device))
                files.check()

    def enlarge(
        self, use: UpscalerUse, pictures: Tensor, *, height: int, width: int, tile: int = TILE
    ) -> Generator[Tile, None, Enlarged]:
        """Yield after every tile; return pictures, uint8 (n, H, W, 3), at another size.

        Raises:
            RenderError: See `lora_mixer.upscalers.enlarge`.
        """
        network = self._taken(use)
        try:
            return (yield from enlarge(network, pictures, height=height, width=width, tile=tile))
        finally:
            if self._resting:
                del network
                self._open.pop(use.seal, None)
                release_memory()

    def _taken(self, use: UpscalerUse) -> UpscalingNetwork:
        if not use.seal.holds:
            raise ChangedFileError("the file changed since it was opened", where=str(use.seal.path), remedy=AGAIN)
        if self._resting or use.seal not in self._open:
            self._keep(use.seal, open_upscaler(use.seal.path, device=self._device))
        self._open.move_to_end(use.seal)
        return self._open[use.seal]

    def _keep(self, seal: Seal, network: UpscalingNetwork) -> None:
        self._open[seal] = network
        while len(self._open) > KEPT:
            self._open.popitem(last=False)


def enlarged_pictures(
    upscalers: Upscalers, pictures: Tensor, name: str, use: UpscalerUse | None, *, height: int, width: int, tile: int
) -> Generator[Tile, None, Enlarged]:
    """Return pictures, uint8 (n, H, W, 3), at another size; yield after every tile of a network.

    Args:
        upscalers: The open networks.
        pictures: The pictures.
        name: The upscaler.
        use: Its file, if it is a network.
        height: Their height afterwards, in pixels.
        width: Likewise.
        tile: The side of a network's tiles.
    """
    if use is None:
        return Enlarged(upscale_pictures(pictures, find_upscaler(name), height=height, width=width), tile)
    return (yield from upscalers.enlarge(use, pictures, height=height, width=width, tile=tile))
