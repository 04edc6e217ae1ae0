"""A model ready to render: the open networks, both engines, and the text encoders with their cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lora_mixer.blend import ApplyPlan, MergeEngine, Render, SideEngine, costs_of, plan_for
from lora_mixer.errors import RenderError
from lora_mixer.kernels import Kernels
from lora_mixer.models import Model
from lora_mixer.pipeline.guidance import rows_at
from lora_mixer.pipeline.job import Pass
from lora_mixer.pipeline.text_cache import TextCache
from lora_mixer.pipeline.upscaling import Upscalers
from lora_mixer.render_options import AUTO, RenderOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model with its engines, text encoders and kernels.

    Attributes:
        model: The open model.
        merged: The engine that rewrites weights.
        side: The engine that adds branches.
        texts: What turns text into the denoiser's conditioning.
        defaults: How it renders where a call says nothing else: an engine or `auto`, tiles where memory is short,
            and as many threads as torch uses unless there is a number.
        kernels: What makes the model fast while it renders.
        upscalers: Networks that enlarge its pictures.
    """

    model: Model
    merged: MergeEngine
    side: SideEngine
    texts: TextCache
    defaults: RenderOptions = AUTO
    kernels: Kernels = field(init=False)
    upscalers: Upscalers = field(init=False)

    def __post_init__(self) -> None:
        """Keep the kernels and upscalers with the model, so that what they pack and open is packed and opened once."""
        resting = self.model.offload is not None
        object.__setattr__(self, "upscalers", Upscalers(self.model.device, resting=resting))
        object.__setattr__(self, "kernels", Kernels(self.model.denoiser.network, self.model.vae))

    def rest(self) -> None:
        """Remove what an interruption left of a mix or a kernel."""
        self.merged.rest()
        self.side.rest()
        self.kernels.rest()

    def plan(self, passes: Sequence[Pass], engine: str | None = None) -> ApplyPlan:
        """Return which engine applies the mixes of a batch in a pass, and why; None is the model's default engine."""
        settings, scale = passes[0].settings, self.model.latent_scale
        return plan_for(
            [stack for one in passes for stack in one.stacks],
            engine=engine or self.defaults.engine or "auto",
            render=Render(
                steps=settings.steps,
                rows=len(rows_at(passes, 0)),
                height=settings.height // scale,
                width=settings.width // scale,
            ),
            costs=lambda: costs_of(self.model.device, self.model.dtype),
            resting=self.model.offload is not None,
        )

    def tiles(self, height: int, width: int, tiled: bool | None = None) -> bool:  # noqa: FBT001 a field of RenderOptions
        """Return whether a picture of height x width pixels is decoded in tiles; None decides by the default, then size."""
        said = self.defaults.tiled if tiled is None else tiled
        return self.model.must_tile(height, width) if said is None else said

    def picture(self, latent: Tensor, *, tiled: bool | None = None) -> Image.Image:
        """Return a latent (c, h, w) as a picture.

        Args:
            latent: The latent.
            tiled: Whether it is decoded in tiles; None decides as `tiles` does.

        Raises:
            RenderError: It holds NaN.
        """
        if not torch.isfinite(latent).all():
            raise RenderError(
                "the picture came out as NaN",
                remedy="Lower the LoRA strengths or cfg, or render in float32 (--dtype float32).",
            )
        scale = self.model.latent_scale
        in_tiles = self.tiles(latent.shape[1] * scale, latent.shape[2] * scale, tiled)
        return Image.fromarray(np.asarray(self.model.decode(latent.unsqueeze(0), tiled=in_tiles)[0]))
