"""An open model: networks, tokenizers, and what rendering needs to know about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from lora_mixer.errors import RequestError
from lora_mixer.families import Family, ModuleIndex
from lora_mixer.files import Seal
from lora_mixer.libraries.classes import AutoencoderKL, CLIPTokenizer, TextEncoder
from lora_mixer.models.decode import decode, must_tile
from lora_mixer.models.denoiser import Denoiser
from lora_mixer.models.digest import Sha256, digest_of_files, digest_of_settings, sha256_of
from lora_mixer.models.encode import encode, encode_distribution
from lora_mixer.models.index import index_of, module_of
from lora_mixer.models.offload import Offload
from lora_mixer.modules import DENOISER, ModuleName


@dataclass(kw_only=True)
class Model:
    """A Stable Diffusion model in memory, in eval mode and without gradients.

    Attributes:
        name: Its name.
        family: Its base architecture.
        denoiser: What takes the noise away.
        text_encoders: The text encoders by part.
        vae: The decoder from latents to pixels; always in `vae.dtype`, which may differ from `dtype`.
        tokenizers: The tokenizers by part.
        scheduler_config: The noise schedule the model was trained with, in diffusers' words.
        files: The weight files it was read from.
        settings_files: The files beside them that decide pixels: configurations, noise schedule, tokenizers.
        vae_files: The weight files of a separate VAE.
        upscaler: The file of the network that enlarges its pictures, if it brings one.
        seals: All of these as they were before they were read.
        sha256: Digests a file.
        offload: Moves weights to the device on demand, if they rest elsewhere.
        compiled: Whether torch compiles the denoiser when it is first used.
    """

    name: str
    family: Family
    denoiser: Denoiser
    text_encoders: Mapping[str, TextEncoder]
    vae: AutoencoderKL
    tokenizers: Mapping[str, CLIPTokenizer]
    scheduler_config: Mapping[str, Any]
    files: tuple[Path, ...]
    settings_files: tuple[Path, ...] = ()
    vae_files: tuple[Path, ...] = ()
    upscaler: Path | None = None
    seals: tuple[Seal, ...] = ()
    sha256: Sha256 = sha256_of
    offload: Offload | None = None
    compiled: bool = False

    @property
    def parts(self) -> Mapping[str, nn.Module]:
        """The networks an adapter can change: the denoiser and the text encoders."""
        return {DENOISER: self.denoiser.network, **self.text_encoders}

    @property
    def device(self) -> torch.device:
        """The device the networks compute on, even if weights rest elsewhere."""
        return self._weight.device if self.offload is None else self.offload.device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the denoiser and the text encoders."""
        return self._weight.dtype

    @property
    def _weight(self) -> Tensor:
        """The denoiser's first weight; the networks' own `device` and `dtype` walk over all modules."""
        return next(self.denoiser.network.parameters())

    @property
    def prediction(self) -> str:
        """What the denoiser predicts: `epsilon` or `v_prediction`."""
        return str(self.scheduler_config["prediction_type"])

    @property
    def latent_channels(self) -> int:
        """Channels of a latent."""
        return int(self.vae.config["latent_channels"])

    @property
    def inpaints(self) -> bool:
        """Whether the denoiser is told the mask and the masked picture beside the latents (inpainting checkpoints)."""
        return self.denoiser.in_channels == 2 * self.latent_channels + 1

    @property
    def latent_scale(self) -> int:
        """Pixels per latent cell, along each side."""
        return int(2 ** (len(self.vae.config["block_out_channels"]) - 1))

    @property
    def native_size(self) -> tuple[int, int]:
        """The picture size (width, height) the model was trained at, in pixels."""
        height, width = self.denoiser.sample_size
        return width * self.latent_scale, height * self.latent_scale

    @cached_property
    def digest(self) -> str:
        """The sha256 over the weight files, a separate VAE aside."""
        return digest_of_files(self.files, self.sha256)

    @cached_property
    def vae_digest(self) -> str | None:
        """The sha256 of a separate VAE; None if the model's own is used."""
        return digest_of_files(self.vae_files, self.sha256) if self.vae_files else None

    @cached_property
    def settings_digest(self) -> str | None:
        """The sha256 over the files beside the weights that decide pixels; None where the weights' file is all."""
        return digest_of_settings(self.settings_files) if self.settings_files else None

    @property
    def holds(self) -> bool:
        """Whether its files are unchanged since opening."""
        return all(seal.holds for seal in self.seals)

    @cached_property
    def index(self) -> ModuleIndex:
        """Every module an adapter can change, by canonical name."""
        return index_of(self.family, self.parts)

    def module(self, name: ModuleName) -> nn.Module:
        """Return the module of this canonical name, whether or not the encoder class has a `text_model.` level."""
        module = self._found.get(name)
        if module is None:
            module = self._found[name] = module_of(self.parts, name)
        return module

    @cached_property
    def _found(self) -> dict[ModuleName, nn.Module]:
        """The modules that were asked for: the way there leads over every level, and mixes ask for hundreds a step."""
        return {}

    def compile(self) -> None:
        """Compile the denoiser with torch at first use; worthwhile for many pictures of one size.

        Raises:
            RequestError: Its weights are offloaded, and compiled code needs them on the device.
        """
        if self.offload is not None:
            raise RequestError(
                "a denoiser with offloaded weights cannot be compiled",
                remedy="Use --offload none, or no --compile.",
            )
        torch._dynamo.config.skip_nnmodule_hook_guards = False  # noqa: SLF001 side paths are hooks that come and go
        self.denoiser.network.compile()
        self.compiled = True

    def must_tile(self, height: int, width: int) -> bool:
        """Return whether memory is too short to decode a picture of height x width pixels in one piece."""
        return self.device.type == "cpu" and must_tile(self.vae, height, width)

    def decode(self, latents: Tensor, *, tiled: bool = False) -> Tensor:
        """Return the pictures of latents (n, c, h, w) as uint8 (n, H, W, 3) on the CPU."""
        return decode(self.vae, latents.to(self.device), tiled=tiled)

    def encode(self, pictures: Tensor, *, tiled: bool = False, kept: Tensor | None = None) -> Tensor:
        """Return the latents (n, c, h, w) of pictures as uint8 (n, H, W, 3); `decode` gives the pictures back, nearly.

        Only the pixels that are 1 in `kept` (n, 1, H, W) are seen, if it is given.
        """
        return encode(
            self.vae, pictures.to(self.device), tiled=tiled, kept=None if kept is None else kept.to(self.device)
        )

    def encoded(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and deviation (n, c, h, w), float32 on the CPU, of the latents of pictures as `encode` takes them."""
        return encode_distribution(self.vae, pictures.to(self.device))

    def checksum(self) -> str:
        """Return the sha256 over all parameters and buffers in memory: equal if and only if no bit has changed."""
        digest = hashlib.sha256()
        for name, tensor in self._tensors():
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        return digest.hexdigest()

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for part, network in (*self.parts.items(), ("vae", self.vae)):
            for name, tensor in (*network.named_parameters(), *network.named_buffers()):
                yield f"{part}:{name}", tensor
