"""Render a picture again from its record, or say why it cannot be the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from lora_mixer.catalog import names_only
from lora_mixer.errors import BrokenFileError, LoraMixerError
from lora_mixer.hires import HiresSettings
from lora_mixer.images import RECIPE, Inputs, ModelRecord, RenderRecord
from lora_mixer.mixer.from_record import admitted, request_here
from lora_mixer.mixer.mixer import BaseMixer
from lora_mixer.pipeline import RenderedImage
from lora_mixer.render_options import ENGINES, LEAST_TILE, RenderOptions
from lora_mixer.request import Settings
from lora_mixer.upscalers import TILE

MOST_THREADS = 512
MOST_IN_A_BATCH = 256
_DEVICE = re.compile(r"cpu|mps|(cuda|xpu)(:\d{1,2})?")


def checked(record: RenderRecord) -> RenderRecord:
    """Check a record's numbers; its settings were checked when it was read.

    A picture may come from anybody, so what it asks of this machine is bounded first.

    Raises:
        BrokenFileError: It asks for the impossible, or contradicts itself.
    """
    batch = record.companions or (record.settings,)
    wrong = (
        (f"a batch of {len(batch)}", len(batch) > MOST_IN_A_BATCH),
        (f"picture {record.batch_index} of a batch of {len(batch)}", not 0 <= record.batch_index < len(batch)),
        (f"{record.threads} threads", record.threads is not None and not 1 <= record.threads <= MOST_THREADS),
        (f"tiles of {record.upscale_tile} pixels", not LEAST_TILE <= (record.upscale_tile or TILE) <= TILE),
        (f"the device {record.device[:40]!r}", not _DEVICE.fullmatch(record.device)),
    )
    said = [what for what, is_wrong in wrong if is_wrong]
    if not said and batch[record.batch_index] != record.settings:
        said = ["other settings for the picture than for its place in the batch"]
    if said:
        raise BrokenFileError(
            f"the record says {', '.join(said)}",
            remedy="It was changed after this program wrote it; `lora-mixer info` still reads its settings.",
        )
    return record


REPLACED = frozenset({"DPM++ 3M SDE"})
"""Samplers whose pictures of recipe 1 cannot be reproduced."""


def rerender(mixer: BaseMixer, record: RenderRecord, *, files: Iterable[Path] = ()) -> RenderedImage:
    """Render a picture again as its record says: same engine, batch, threads and tiles.

    Args:
        mixer: An open mixer whose current model is the record's, with its dtype.
        record: The record.
        files: LoRAs and upscalers from outside the folders and mask pictures, matched by digest; paths in the record are never
            opened.

    Raises:
        BrokenFileError: The record is impossible.
        RequestError: It names a mask by path that is not among the files.
        LoraMixerError: What rendering raises.
    """
    record, files = checked(record), tuple(files)
    batch = record.companions or (record.settings,)
    options = RenderOptions(
        engine=_engine(record),
        batch=len(batch),
        threads=record.threads,
        tiled=record.tiled,
        upscale_tile=record.upscale_tile,
    )
    with names_only(admitted(record, mixer.library, files, mixer.upscalers)):
        jobs = [mixer.resolve(request_here(settings, record, files)) for settings in batch]
        jobs[record.batch_index] = mixer.placed_as(jobs[record.batch_index], record.places)
        pictures = list(mixer.render_jobs(jobs, options))
    return pictures[record.batch_index]


def differences(
    mixer: BaseMixer, record: RenderRecord, *, model: str | None = None, files: Iterable[Path] = ()
) -> tuple[str, ...]:
    """Return a sentence for everything that would make the picture differ on this machine; empty if nothing would.

    Args:
        mixer: The mixer that would render it.
        record: How it was made.
        model: The model it would be rendered with; None is the mixer's current one.
        files: As `rerender` takes them.
    """
    try:
        files = tuple(files)
        asked = replace(request_here(record.settings, record, files), model=model)
        with names_only(admitted(record, mixer.library, files, mixer.upscalers)):
            now = mixer.inputs_of(mixer.resolve(asked))
    except LoraMixerError as error:
        return (str(error),)
    return (
        *_model_differs(record.model, now.model),
        *_loras_differ(record, now),
        *_upscalers_differ(record, now),
        *_matrices_differ(record, now),
        *_samplers_differ(record),
        *_embeddings_differ(record, now),
        *_machine_differs(record, now),
    )


def _model_differs(was: ModelRecord, now: ModelRecord) -> Iterator[str]:
    if now.sha256 != was.sha256:
        yield f"the model {was.name} has other weights: {now.sha256[:10]}, then {was.sha256[:10]}"
    if was.settings_sha256 not in {None, now.settings_sha256}:
        yield f"the model {was.name} has another configuration, noise schedule or tokenizer"
    if now.vae_sha256 != was.vae_sha256:
        yield f"the VAE is {_vae(now)}, was {_vae(was)}"


def _loras_differ(record: RenderRecord, now: Inputs) -> Iterator[str]:
    """Yield a sentence for every LoRA with another file, scale or mask."""
    here = {adapter.name: adapter for adapter in now.adapters}
    for was in record.adapters:
        adapter = here.get(was.name)
        if adapter is not None and adapter.sha256 != was.sha256:
            yield f"the LoRA {was.name} is another file: {adapter.sha256[:10]}, then {was.sha256[:10]}"
        if adapter is not None and was.scale and adapter.scale != was.scale:
            yield f"the LoRA {was.name} is scaled by {adapter.scale}, was {was.scale}"
        if was.mask_sha256 and (adapter is None or adapter.mask_sha256 != was.mask_sha256):
            yield f"the mask of {was.name} is another picture"


def _upscalers_differ(record: RenderRecord, now: Inputs) -> Iterator[str]:
    here = {upscaler.name: upscaler.sha256 for upscaler in now.upscalers}
    for was in record.upscalers:
        if here.get(was.name) != was.sha256:
            yield f"the upscaler {was.name} is another file: {here.get(was.name, 'none')[:10]}, then {was.sha256[:10]}"


def _matrices_differ(record: RenderRecord, now: Inputs) -> Iterator[str]:
    if record.matrices != now.matrices:
        yield f"the matrices of the method {record.settings.method} come out otherwise here, perhaps in their last bits"


def _samplers_differ(record: RenderRecord) -> Iterator[str]:
    if record.recipe < RECIPE:
        for name in sorted({settings.sampler for settings in _passes(record)} & REPLACED):
            yield f"{name} was drawn by a rule then that did not converge; it is drawn by another now"


def _embeddings_differ(record: RenderRecord, now: Inputs) -> Iterator[str]:
    vectors = {embedding.name: embedding.sha256 for embedding in now.embeddings}
    for embedding in record.embeddings:
        if vectors.get(embedding.name) != embedding.sha256:
            yield f"the embedding {embedding.name} is {'another' if embedding.name in vectors else 'not there'}"


def _machine_differs(record: RenderRecord, now: Inputs) -> Iterator[str]:
    for library, version in record.versions.items():
        if now.versions.get(library) != version:
            yield f"{library} is {now.versions.get(library, 'missing')}, was {version}"
    for what, is_now, was in (("device", now.device, record.device), ("dtype", now.dtype, record.dtype)):
        if is_now != was:
            yield f"the {what} is {is_now}, was {was}"


def _passes(record: RenderRecord) -> tuple[Settings | HiresSettings, ...]:
    return (record.settings,) if record.settings.hires is None else (record.settings, record.settings.hires)


def _engine(record: RenderRecord) -> str | None:
    """Return the record's engine, or `auto` if its passes used different ones."""
    return "auto" if "; then " in record.engine_reason else record.engine if record.engine in ENGINES else None


def _vae(model: ModelRecord) -> str:
    return "the model's own" if model.vae_sha256 is None else f"the file {model.vae_sha256[:10]}"
