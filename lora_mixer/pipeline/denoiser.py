"""The denoiser's prediction for a batch of pictures: all rows at once, or merged one forward a mix."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from lora_mixer.blend import ApplyPlan, Stack
from lora_mixer.choices import find_sampler
from lora_mixer.kernels import AttentionWatch, TextKV, text_keys_and_values
from lora_mixer.models import DenoiserInputs, PictureSize
from lora_mixer.modules import DENOISER
from lora_mixer.pipeline.guidance import GuidanceRow, rescaled, rows_at
from lora_mixer.pipeline.job import Pass
from lora_mixer.pipeline.loaded_model import LoadedModel
from lora_mixer.pipeline.readings import Reading, Readings, readings_of

WatchAt = tuple[int, AttentionWatch]
"""A step, and who notes what attention hears and sees at it."""

LONGEST_TILING = 4
"""Texts are repeated to a common length of at most this multiple of the longest; other rows run separately."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """Rows that go through the denoiser together, with their conditioning side by side."""

    rows: tuple[GuidanceRow, ...]
    stacks: tuple[Stack, ...]  # one a row
    readings: Readings
    sizes: tuple[PictureSize, ...]  # what each row's picture measures
    text_kv: TextKV | None  # the text's keys and values; None: they change with the steps


class Predictor:
    """The guided denoiser of a batch: latents (n, c, h, w) and a timestep in, prediction (n, c, h, w) out.

    Args:
        loaded: The open model.
        passes: The pictures' passes.
        plan: Which engine applies their mixes.
        told: What the model is told beside the latents, (n, k, h, w): the mask and the masked picture of inpainting.

    Attributes:
        watch: Who notes what attention hears and sees, and at which step.
        negative: The last prediction of the negative texts alone, if the sampler wants it by itself (CFG++).
    """

    def __init__(
        self, loaded: LoadedModel, passes: Sequence[Pass], plan: ApplyPlan, told: Tensor | None = None
    ) -> None:
        self._loaded = loaded
        self._passes = tuple(passes)
        self._told = told
        self._dtype = loaded.model.dtype
        self._phi = [one.settings.cfg_rescale for one in passes]
        self._plan = plan
        self._groups: tuple[tuple[GuidanceRow, ...], tuple[_Group, ...]] = ((), ())
        self._apart = find_sampler(passes[0].settings.sampler).row.apart
        self.watch: WatchAt | None = None
        self.negative: Tensor | None = None

    @torch.no_grad()
    def __call__(self, latents: Tensor, timestep: Tensor, step: int) -> Tensor:
        """Return the guided prediction of one step in float32, each picture under its own mix."""
        loaded, total = self._loaded, max(self._passes[0].settings.steps - 1, 1)
        told = None if self._told is None else self._told.to(latents)
        guided = torch.zeros(latents.shape, dtype=torch.float32, device=latents.device)
        unguided, negative = torch.zeros_like(guided), torch.zeros_like(guided)
        for group in self._groups_at(step):
            images = [row.image for row in group.rows]
            progress, readings = min(step / total, 1.0), group.readings
            text_kv = group.text_kv if readings.coupling is None else self._read(group, latents, progress=progress)
            watch = self.watch[1] if self.watch is not None and self.watch[0] == step else None
            eager = readings.coupling is not None or watch is not None
            with self._applied(group.stacks, latents, progress=progress), self._as_it_stands(eager=eager):
                predicted = loaded.model.denoiser(
                    DenoiserInputs(
                        latents=latents[images].to(self._dtype),
                        timestep=timestep,
                        tokens=readings.tokens[: len(images)],
                        pooled=readings.pooled,
                        sizes=group.sizes,
                        text_kv=text_kv,
                        coupling=readings.coupling,
                        watch=watch,
                        extra=None if told is None else told[images].to(self._dtype),
                    )
                )
            for row, prediction in zip(group.rows, predicted.float(), strict=True):
                guided[row.image] += row.coefficient * prediction
                unguided[row.image] += row.unguided * prediction
                if row.condition.negative:
                    negative[row.image] += row.condition.weight * prediction
        self.negative = negative if self._apart else None
        return rescaled(guided, unguided, self._phi) if any(self._phi) else guided

    def _applied(self, stacks: tuple[Stack, ...], latents: Tensor, *, progress: float) -> AbstractContextManager[None]:
        if self._plan.engine == "side":
            size = (latents.shape[2], latents.shape[3])
            return self._loaded.side.applied(stacks, parts=(DENOISER,), progress=progress, size=size)
        return self._loaded.merged.applied(stacks, parts=(DENOISER,), progress=progress)

    def _as_it_stands(self, *, eager: bool) -> AbstractContextManager[object]:
        """Leave compiled code aside where rows read several texts: their number and places would each make a graph."""
        compiled = eager and self._loaded.model.compiled
        return torch.compiler.set_stance("force_eager") if compiled else nullcontext()

    def _read(self, group: _Group, latents: Tensor, *, progress: float) -> TextKV:
        """Return the keys and values of every text of a group, each under its own mix."""
        kept = {} if group.text_kv is None else group.text_kv
        if not kept:
            with self._applied(group.readings.stacks, latents, progress=progress):
                kept.update(text_keys_and_values(self._loaded.model.denoiser.network, group.readings.tokens))
        return kept

    def _groups_at(self, step: int) -> tuple[_Group, ...]:
        rows = rows_at(self._passes, step, apart=self._apart)
        if rows != self._groups[0]:
            read = [self._reading(row) for row in rows]
            lengths = [math.lcm(*(text.tokens.shape[1] for _, text in reading)) for reading in read]
            unlike = math.lcm(*lengths) > LONGEST_TILING * max(lengths)
            together: dict[object, list[tuple[GuidanceRow, Reading]]] = defaultdict(list)
            for row, reading, length in zip(rows, read, lengths, strict=True):
                mix = None if self._plan.engine == "side" else row.condition.acting
                together[mix, length if unlike else None].append((row, reading))
            self._groups = (rows, tuple(self._group(group) for group in together.values()))
        return self._groups[1]

    def _reading(self, row: GuidanceRow) -> Reading:
        settings = self._passes[row.image].settings
        return tuple((text, self._loaded.texts.encode(text, settings)) for text in row.condition.texts)

    def _group(self, guided: Sequence[tuple[GuidanceRow, Reading]]) -> _Group:
        rows = [row for row, _ in guided]
        model, settings = self._loaded.model, self._passes[0].settings
        size = settings.height // model.latent_scale, settings.width // model.latent_scale
        readings = readings_of([reading for _, reading in guided], size, self._loaded.texts.positions, model)
        asked = ((self._passes[row.image].settings, row.condition.negative) for row in rows)
        stacks = tuple(row.condition.acting for row in rows)
        changing = model.compiled or any(stack.curved for stack in (*stacks, *readings.stacks))
        return _Group(
            rows=tuple(rows),
            stacks=stacks,
            readings=readings,
            sizes=tuple(PictureSize(settings.height, settings.width, negative) for settings, negative in asked),
            text_kv=None if changing else {},
        )
