"""The Stable Diffusion 1.5 architecture with random weights, from its published configuration, and LoRA files for it.

Nothing is downloaded; the figures say how fast something is, never how good a picture looks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from lora_mixer.blend import Stack, WeightedAdapter
from lora_mixer.families import SD1
from lora_mixer.files import digest_file, open_tensor_file
from lora_mixer.kernels import Kernels, to_channels_last
from lora_mixer.keys import parse_adapter
from lora_mixer.mapping import MappedAdapter, map_adapter
from lora_mixer.mixes import Strength
from lora_mixer.models import Model
from lora_mixer.models.unet import UNetDenoiser
from lora_mixer.modules import DENOISER, LayerType, ModuleSpec

DATA = Path(__file__).parents[1] / "lora_mixer" / "data"
CONFIGS = DATA / "configs" / "sd1"
ADAPTED = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out")
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")

NOISE = 2**20 - 3
"""So many random numbers are used over and over: drawing a billion of them takes longer than most measures."""

Network = TypeVar("Network", bound=nn.Module)


class LoraPipeline(Protocol):
    """What diffusers' pipelines do with LoRAs through PEFT; its mixin is built at run time, where no type checker sees it."""

    def load_lora_weights(self, path: str, /, *, adapter_name: str) -> None:
        """Read a file as an adapter of this name."""

    def set_adapters(self, names: Sequence[str], weights: Sequence[float], /) -> None:
        """Let these adapters act, at these strengths."""

    def delete_adapters(self, name: str, /) -> None:
        """Take an adapter off."""

    def fuse_lora(self, *, adapter_names: Sequence[str]) -> None:
        """Merge adapters into the weights."""

    def unfuse_lora(self) -> None:
        """Take what was merged out of the weights."""

    def enable_lora(self) -> None:
        """Let adapters act again."""

    def disable_lora(self) -> None:
        """Keep adapters from acting."""


def sd15(dtype: torch.dtype = torch.bfloat16, *, tuned: bool = True) -> Model:
    """Return the model: UNet and text encoder of SD 1.5, and a small decoder, since no measure here decodes.

    Tuned as a model is while it renders; peers get the networks as diffusers leaves them.
    """
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(_config("unet"))
        text = CLIPTextModel(CLIPTextConfig.from_dict(_config("text_encoder")))
    vae = AutoencoderKL.from_pretrained(DATA / "emoji" / "model" / "vae", torch_dtype=dtype)
    unet = _filled(unet, dtype)
    if tuned:
        Kernels(unet, vae).put_on()
    return Model(
        name="sd15-random",
        family=SD1,
        denoiser=UNetDenoiser(network=unet),
        text_encoders={"te1": _filled(text, dtype)},
        vae=vae.requires_grad_(requires_grad=False).eval(),
        tokenizers={"te1": CLIPTokenizer.from_pretrained(DATA / "emoji" / "model" / "tokenizer")},
        scheduler_config=_config("scheduler"),
        files=(),
    )


def kohya_lora(model: Model, path: Path, *, rank: int, seed: int) -> Path:
    """Write a LoRA in kohya's format, float16: 192 modules of the UNet and 72 of the text encoder."""
    rng = torch.Generator().manual_seed(seed)
    tensors: dict[str, Tensor] = {}
    for spec in model.index:
        if _is_adapted(spec):
            name = _kohya_name(spec)
            ones = (1, 1) if spec.operator is LayerType.CONV else ()
            tensors[f"{name}.lora_down.weight"] = _small(rng, rank, *spec.weight[1:])
            tensors[f"{name}.lora_up.weight"] = _small(rng, spec.weight[0], rank, *ones)
            tensors[f"{name}.alpha"] = torch.tensor(float(rank)).half()
    save_file(tensors, path, metadata={"ss_network_module": "networks.lora", "ss_base_model_version": "sd_v1"})
    return path


def opened(model: Model, path: Path) -> MappedAdapter:
    """Open, check and map a file, the way the library does."""
    return map_adapter(
        parse_adapter(open_tensor_file(path)), model.index, name=path.stem, digest=digest_file(path).sha256
    )


def mix(adapters: list[MappedAdapter], strengths: list[float]) -> Stack:
    """Return a stack of adapters at strengths."""
    pairs = zip(adapters, strengths, strict=True)
    return Stack([WeightedAdapter(adapter=a, strength=Strength(s)) for a, s in pairs])


def unet_step(model: Model, *, rows: int, size: int = 32, tuned: bool = True) -> Callable[[], object]:
    """Return one forward of the UNet on latents of size x size, not the first of a render.

    Args:
        model: The model.
        rows: Rows of the batch.
        size: Side of the latent.
        tuned: Called as the pipeline here calls it, or as diffusers does.
    """
    rng = torch.Generator().manual_seed(1)
    latents = torch.randn(rows, 4, size, size, generator=rng).to(model.dtype)
    text = torch.randn(rows, 77, 768, generator=rng).to(model.dtype)
    timestep = torch.tensor(500)
    options: dict[str, Any] = {"cross_attention_kwargs": {"heard": {}}} if tuned else {}
    given = to_channels_last(latents) if tuned else latents

    @torch.no_grad()
    def step() -> object:
        return model.denoiser.network(given, timestep, encoder_hidden_states=text, return_dict=False, **options)

    return step


def pipeline(model: Model) -> LoraPipeline:
    """Return diffusers' pipeline on the very same networks."""
    made = StableDiffusionPipeline(
        vae=model.vae,
        text_encoder=model.text_encoders["te1"],
        tokenizer=model.tokenizers["te1"],
        unet=model.denoiser.network,
        scheduler=DDIMScheduler.from_config(dict(model.scheduler_config)),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return cast("LoraPipeline", made)


def _config(component: str) -> dict[str, Any]:
    return dict(json.loads((CONFIGS / component / "config.json").read_text(encoding="utf-8")))


def _filled(network: Network, dtype: torch.dtype) -> Network:
    network = network.to(dtype).to_empty(device="cpu").requires_grad_(requires_grad=False).eval()
    noise = torch.rand(NOISE, generator=torch.Generator().manual_seed(0), dtype=torch.float32).mul(2).sub(1).to(dtype)
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        if "position_ids" in name:
            tensor.copy_(torch.arange(tensor.shape[-1]).expand_as(tensor))
        elif tensor.ndim == 1:
            tensor.fill_(1.0 if name.endswith("weight") else 0.0)
        else:
            for piece in tensor.flatten().split(NOISE):
                torch.mul(noise[: len(piece)], (3.0 / tensor[0].numel()) ** 0.5, out=piece)
    return network


def _is_adapted(spec: ModuleSpec) -> bool:
    path = spec.name.path
    if spec.name.part == "te1":
        return path.endswith(TEXT)
    return ".attentions." in path and path.endswith(ADAPTED)


def _kohya_name(spec: ModuleSpec) -> str:
    return ("lora_unet_" if spec.name.part == DENOISER else "lora_te_") + spec.name.path.replace(".", "_")


def _small(rng: torch.Generator, *shape: int) -> Tensor:
    return (torch.randn(*shape, generator=rng) * 0.02).half()
