"""The desk a render works at: an open model, its engine, its text encoders with what they remember."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lora_mixer.apply import ApplyPlan, MergeEngine, SideEngine, Stack, plan_for
from lora_mixer.conditioning import Conditioner, Encoded
from lora_mixer.errors import RenderError
from lora_mixer.models import Model
from lora_mixer.pipeline.job import Guide, Job

TEXT_CACHE = 256


@dataclass(slots=True, kw_only=True)
class Desk:
    """A model with everything that acts on it.

    Attributes:
        model: The open model.
        merged: The engine that rewrites weights.
        side: The engine that adds branches.
        conditioner: What turns text into the UNet's conditioning.
        wanted: The engine to use, or `auto`.
    """

    model: Model
    merged: MergeEngine
    side: SideEngine
    conditioner: Conditioner
    wanted: str = "auto"
    _texts: dict[object, Encoded] = field(default_factory=dict)

    @property
    def text_parts(self) -> tuple[str, ...]:
        """The model's text encoders, by part name."""
        return tuple(part for part in self.model.parts if part != "unet")

    def encode(self, guide: Guide, *, clip_skip: int) -> Encoded:
        """Return a guide's text encoded under its mix; each (text, mix on the encoders, clip skip) once."""
        key = (guide.pieces, clip_skip, _text_key(guide.stack, self.text_parts))
        if key not in self._texts:
            while len(self._texts) >= TEXT_CACHE:
                del self._texts[next(iter(self._texts))]
            with self.merged.applied([guide.stack], parts=self.text_parts):
                self._texts[key] = self.conditioner.encode(guide.pieces, clip_skip=clip_skip)
        return self._texts[key]

    def plan(self, jobs: Sequence[Job]) -> ApplyPlan:
        """Return which engine applies the mixes of a batch, and why."""
        return plan_for([stack for job in jobs for stack in job.stacks], engine=self.wanted)

    def picture(self, latent: Tensor) -> Image.Image:
        """Return a latent (c, h, w) as a picture.

        Raises:
            RenderError: It is not a number.
        """
        if not torch.isfinite(latent).all():
            raise RenderError(
                "the picture came out as not-a-number",
                remedy="Lower the LoRA strengths or cfg, or render in float32 (--dtype float32).",
            )
        return Image.fromarray(np.asarray(self.model.decode(latent.unsqueeze(0))[0]))


def _text_key(stack: Stack, parts: Iterable[str]) -> frozenset[tuple[str, str, float]]:
    terms = stack.terms(parts=parts, progress=0.0)
    return frozenset((name.part, term.digest, term.strength) for name, row in terms.items() for term in row)
