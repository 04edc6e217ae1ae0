"""Job digests: hashes of everything that determines a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from types import MappingProxyType

from lora_mixer.files import CONFIG
from lora_mixer.images import Inputs, RenderRecord, plain
from lora_mixer.inputs import InputPicture
from lora_mixer.request import RenderRequest, Settings
from lora_mixer.settings.making import Asked, Filled

LATER: Mapping[str, tuple[object, ...]] = MappingProxyType({"elements": ([],)})
"""Fields of a mix that are younger than the first ledgers -> the values they had before. Settings say it in their table."""


def job_digest(settings: Settings, files: Mapping[str, str]) -> str:
    """Return the sha256 of what determines a picture: its settings and its files' digests.

    Spelling does not matter: keys are sorted, and 7 equals 7.0.

    Args:
        settings: The request with its gaps filled.
        files: Digest by role, such as `model` or `lora:NAME`, and versions by package.
    """
    return _digest({"request": _decisive(settings), "files": dict(files)})


def request_digest(request: RenderRequest) -> str:
    """Return the sha256 of a request as written, gaps left open."""
    return _digest(_decisive(request))


def digest_of(record: RenderRecord) -> str:
    """Return the digest of the job that a finished picture answers."""
    return job_digest(record.settings, basis_of(record.inputs))


def basis_of(inputs: Inputs) -> dict[str, str]:
    """Return what a picture is made from besides its settings: files by role, packages by name, device and dtype."""
    parts = {
        "model": inputs.model.sha256,
        "vae": inputs.model.vae_sha256,
        "model settings": inputs.model.settings_sha256,
    }
    model = {role: digest for role, digest in parts.items() if digest}
    adapters = {f"lora:{adapter.name}": adapter.sha256 for adapter in inputs.adapters}
    scales = {f"scale:{adapter.name}": adapter.scale for adapter in inputs.adapters if CONFIG in adapter.scale}
    embeddings = {f"embedding:{e.name}": e.sha256 for e in inputs.embeddings}
    upscalers = {f"upscaler:{upscaler.name}": upscaler.sha256 for upscaler in inputs.upscalers}
    machine = {"device": inputs.device.partition(":")[0], "dtype": inputs.dtype}
    recipe = {"recipe": str(inputs.recipe)} if inputs.recipe > 1 else {}
    return model | adapters | scales | embeddings | upscalers | machine | recipe | dict(inputs.versions)


def _decisive(asked: Asked | Filled) -> dict[str, object]:
    """Return what of a request decides its picture, as plain values.

    Younger settings are left out where they say what held before there were any: ledgers written before know their jobs by
    digests without them.
    """
    values: dict[str, object] = {}
    for row in asked.table:
        value = getattr(asked, row.name, None)
        if row.pixels and value not in row.before and not (row.asked_only and isinstance(asked, Filled)):
            values[row.name] = _decisive(value) if isinstance(value, (Asked, Filled)) else _pruned(_named(value))
    return values


def _named(value: object) -> object:
    """Return a value as plain ones; an input picture is what its digest says, wherever it lies."""
    return value.sha256 if isinstance(value, InputPicture) and value.sha256 else plain(value)


def _pruned(value: object) -> object:
    if isinstance(value, dict):
        return {key: _pruned(item) for key, item in value.items() if item not in LATER.get(key, ())}
    return [_pruned(item) for item in value] if isinstance(value, list) else value


def _digest(content: object) -> str:
    return sha256(json.dumps(_canonical(content), sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _canonical(value: object) -> object:
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
