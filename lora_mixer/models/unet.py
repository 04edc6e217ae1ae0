"""diffusers' conditional UNet as a denoiser: Stable Diffusion 1.x, 2.x, SDXL and its refiner.

Sizes beside the text are SDXL's micro-conditioning (Podell et al. 2023, arXiv:2307.01952, section 2.2); a refiner is
told how fair the picture shall be instead of its size: Stability's scores are 6, and 2.5 for the negative prompt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lora_mixer.families import Config, Family
from lora_mixer.kernels.attention import AttentionWatch, Coupling, TextKV
from lora_mixer.kernels.layout import to_channels_last
from lora_mixer.libraries.classes import UNet2DConditionModel, convert_ldm_unet_checkpoint
from lora_mixer.models.build import build
from lora_mixer.models.components import load_component
from lora_mixer.models.denoiser import DenoiserInputs, PictureSize

FAIR, UNFAIR = 6.0, 2.5


@dataclass(frozen=True, kw_only=True)
class UNetDenoiser:
    """A UNet and how it is called.

    Attributes:
        network: The UNet.
        told: The names of the numbers it is told beside the text, in order; none for SD 1.x and 2.x.
    """

    network: UNet2DConditionModel
    told: tuple[str, ...] = ()

    @property
    def sample_size(self) -> tuple[int, int]:
        """Height and width of the latents it was trained on."""
        size = self.network.config["sample_size"]
        height, width = (size, size) if isinstance(size, int) else size
        return height, width

    @property
    def in_channels(self) -> int:
        """Channels it takes: the latent's, and what it is told beside them."""
        return int(self.network.config["in_channels"])

    def __call__(self, inputs: DenoiserInputs) -> Tensor:
        """Return the UNet's prediction, (rows, c, h, w)."""
        latents = inputs.latents if inputs.extra is None else torch.cat([inputs.latents, inputs.extra], dim=1)
        kept: dict[str, TextKV | Coupling | AttentionWatch | None] = {"text_kv": inputs.text_kv}
        if inputs.coupling is not None:
            kept["coupling"] = inputs.coupling
        if inputs.watch is not None:
            kept["watch"] = inputs.watch
        prediction: Tensor = self.network(
            to_channels_last(latents),
            inputs.timestep,
            encoder_hidden_states=inputs.tokens,
            cross_attention_kwargs=kept,
            added_cond_kwargs=self._added(inputs),
            return_dict=False,
        )[0]
        return prediction

    def _added(self, inputs: DenoiserInputs) -> dict[str, Tensor] | None:
        if inputs.pooled is None:
            return None
        rows = [size_ids(self.told, size) for size in inputs.sizes]
        ids = torch.tensor(rows, dtype=inputs.latents.dtype, device=inputs.latents.device)
        return {"text_embeds": inputs.pooled, "time_ids": ids}


def unet_of_file(tensors: Mapping[str, Tensor], family: Family, dtype: torch.dtype, where: str) -> UNetDenoiser:
    """Return the UNet of a single file in LDM layout, at the file's widths.

    Raises:
        ModelError: Its weights do not make the family's layout.
    """
    config = _sized(family.configs[family.denoiser.folder], tensors, family.denoiser.prefix)
    # The trained weights, not the averaged `model_ema` ones.
    own = {key: value for key, value in tensors.items() if key.startswith(family.denoiser.prefix)}
    converted = convert_ldm_unet_checkpoint(own, config)  # type: ignore[no-untyped-call]
    network: UNet2DConditionModel = build(UNet2DConditionModel, config, converted, dtype, where)
    return UNetDenoiser(network=network, told=family.sizes)


def unet_of_folder(folder: Path, family: Family, dtype: torch.dtype) -> UNetDenoiser:
    """Return the UNet that lies in a folder of a diffusers model."""
    network: UNet2DConditionModel = load_component(UNet2DConditionModel, folder, dtype=dtype)
    return UNetDenoiser(network=network, told=family.sizes)


def empty_unet(config: Config) -> UNet2DConditionModel:
    """Return a UNet of a configuration whose weights mean nothing."""
    network: UNet2DConditionModel = UNet2DConditionModel.from_config(dict(config))
    return network


def _sized(config: Config, tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Any]:
    """Return a UNet's configuration, its channels scaled to the checkpoint's (head size stays)."""
    channels, seen = tensors[prefix + "input_blocks.0.0.weight"].shape[:2]
    base = config["block_out_channels"][0]
    heads = config["attention_head_dim"]
    scaled: dict[str, Any] = {
        "in_channels": seen,
        "block_out_channels": [width * channels // base for width in config["block_out_channels"]],
    }
    if isinstance(heads, list):
        scaled["attention_head_dim"] = [max(1, count * channels // base) for count in heads]
    pooled = tensors.get(prefix + "label_emb.0.0.weight")
    if pooled is not None:
        scaled["projection_class_embeddings_input_dim"] = pooled.shape[1]
    return {**config, **scaled}


def size_ids(told: tuple[str, ...], size: PictureSize) -> list[float]:
    """Return the numbers that a model is told of a picture, by their names.

    >>> size_ids(("height", "width", "top", "left", "score"), PictureSize(64, 72, negative=True))
    [64.0, 72.0, 0.0, 0.0, 2.5]
    """
    target = size.target or (size.height, size.width)
    values: Mapping[str, float] = {
        "height": float(size.height),
        "width": float(size.width),
        "top": float(size.top),
        "left": float(size.left),
        "target_height": float(target[0]),
        "target_width": float(target[1]),
        "score": UNFAIR if size.negative else FAIR,
    }
    return [values[name] for name in told]
