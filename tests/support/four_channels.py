"""The embedded model with the first four channels of its latents: diffusers' pipelines for pictures and masks take no others."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from safetensors.torch import load_file, save_file
from torch import Tensor

CHANNELS = 4


def with_four_channels(model: Path, folder: Path) -> Path:
    """Write a copy of a model's folder whose latents are cut to four channels; it draws, though not well."""
    shutil.copytree(model, folder)
    seen = _settings(folder / "unet", in_channels=CHANNELS, out_channels=CHANNELS)["in_channels"]
    _settings(folder / "vae", latent_channels=CHANNELS)
    kept = list(range(CHANNELS))
    both = [*kept, *(seen + k for k in kept)]
    _cut(folder / "unet", {"conv_in.weight": (1, kept), "conv_out.weight": (0, kept), "conv_out.bias": (0, kept)})
    _cut(
        folder / "vae",
        {
            "encoder.conv_out.weight": (0, both),
            "encoder.conv_out.bias": (0, both),
            "quant_conv.weight": (0, both),
            "quant_conv.bias": (0, both),
            "post_quant_conv.weight": (0, kept),
            "post_quant_conv.bias": (0, kept),
            "decoder.conv_in.weight": (1, kept),
        },
    )
    _cut(folder / "vae", {"quant_conv.weight": (1, both), "post_quant_conv.weight": (1, kept)})
    return folder


def _settings(part: Path, **new: int) -> dict[str, int]:
    path = part / "config.json"
    before: dict[str, int] = json.loads(path.read_text())
    path.write_text(json.dumps(before | new))
    return before


def _cut(part: Path, rows: dict[str, tuple[int, list[int]]]) -> None:
    (weights,) = part.glob("*.safetensors")
    tensors: dict[str, Tensor] = load_file(weights)
    for name, (side, kept) in rows.items():
        tensors[name] = tensors[name][kept] if side == 0 else tensors[name][:, kept]
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, weights)
