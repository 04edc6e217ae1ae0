"""One UNet step with everyone's default settings, 256x256 and 512x512, batch 2. `python -m benchmarks unet_step`.

Ours: the dtype we choose on this machine, with the kernels of a render. Diffusers: float32, as its pipelines open.
OpenVINO, where it is installed: the same UNet in bfloat16, its weights baked in.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from contextlib import ExitStack

import torch

from benchmarks.machine import flops_of, seconds_per_flop
from benchmarks.report import Row, finish, medians, row
from benchmarks.sd15 import sd15, unet_step
from lora_mixer.kernels import retain_heap
from lora_mixer.models import Model
from lora_mixer.models.device import choose_dtype

BARS = {32: 0.30, 64: 0.36}
"""Side of the latent -> the highest ratio to diffusers."""


def measure(repetitions: int = 3) -> list[Row]:
    """Return our step against diffusers' and OpenVINO's."""
    model, theirs = sd15(choose_dtype(torch.device("cpu"))), sd15(torch.float32, tuned=False)
    rows = []
    for size, bar in BARS.items():
        step, peer = unet_step(model, rows=2, size=size), unet_step(theirs, rows=2, size=size, tuned=False)
        ours, peers = _in_turn(step, peer, repetitions)
        limit = flops_of(peer) * seconds_per_flop(model.dtype)
        title = f"UNet step, {8 * size}x{8 * size}, batch 2, {str(model.dtype).removeprefix('torch.')}"
        rows.append(row(title, ours, "diffusers' default, float32", peers, bar=bar, limit=limit))
    if importlib.util.find_spec("openvino") is None:
        print("OpenVINO is not installed: its row is left out", file=sys.stderr)
        return rows
    step, peer = unet_step(model, rows=2), _openvino(theirs)
    ours, peers = _in_turn(step, peer, repetitions)
    return [*rows, row("UNet step, 256x256, batch 2", ours, "OpenVINO, bfloat16", peers, bar=1.15)]


def _in_turn(step: Callable[[], object], peer: Callable[[], object], repetitions: int) -> list[float]:
    """Return the seconds of a step as it is within a render of ours, where freed memory is at hand, and of the peer's."""
    with ExitStack() as within:

        def begin() -> None:
            within.enter_context(retain_heap())
            step()

        return medians([step, peer], before=[begin, within.close], repetitions=repetitions)


class _Plain(torch.nn.Module):
    """The UNet as a function of tensors alone, for the converter."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.unet = model.denoiser.network

    def forward(self, latents: torch.Tensor, timestep: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """Return the prediction."""
        return self.unet(latents, timestep, encoder_hidden_states=text, return_dict=False)[0]


def _openvino(model: Model) -> Callable[[], object]:
    """Return a step of the UNet converted to OpenVINO, computing in bfloat16."""
    import openvino  # optional: the row is left out where it is not installed

    given = (torch.randn(2, 4, 32, 32), torch.tensor(500.0), torch.randn(2, 77, 768))
    with torch.no_grad():
        converted = openvino.convert_model(_Plain(model), example_input=given)
    settings = {"INFERENCE_PRECISION_HINT": "bf16", "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    compiled = openvino.compile_model(converted, "CPU", settings)
    arrays = [tensor.numpy() for tensor in given]
    return lambda: compiled(arrays)


if __name__ == "__main__":
    finish(measure())
