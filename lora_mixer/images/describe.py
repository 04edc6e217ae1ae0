"""From our record to A1111's infotext, so that Civitai, A1111, Forge and their readers see the picture whole."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from lora_mixer.images.infotext import Infotext
from lora_mixer.images.record import AdapterRecord, RenderRecord, usable_hash

HASH_DIGITS = 12


def infotext(record: RenderRecord) -> str:
    """Return a record as A1111's infotext: its grammar, its names, its order of fields.

    Every adapter stands in the prompt as a tag (that is where A1111 and Civitai look for the strengths) and in
    `Lora hashes`. `Version` starts with our name: A1111 takes a bare number below 1.6.0 as leave to read
    `[a:b:1]` by its old rule.
    """
    settings = record.settings
    return Infotext(
        prompt=_one_text(tagged_prompt(settings.prompt, record.adapters)),
        negative=_one_text(settings.negative),
        fields=MappingProxyType({key: value for key, value in _fields(record) if value is not None}),
    ).to_text()


def tagged_prompt(prompt: str, adapters: tuple[AdapterRecord, ...]) -> str:
    """Return the prompt with a `<lora:name:strength>` tag for every adapter it does not name already."""
    lowered = prompt.lower()
    tags = [
        _tag(adapter)
        for adapter in adapters
        if not any(f"<{word}:{_plain_name(adapter.name).lower()}:" in lowered for word in ("lora", "lyco"))
    ]
    return " ".join(part for part in (prompt.rstrip(), *tags) if part)


def _fields(record: RenderRecord) -> tuple[tuple[str, str | None], ...]:
    settings, model = record.settings, record.model
    hashable = usable_hash(model.sha256)
    return (
        ("Steps", str(settings.steps)),
        ("Sampler", settings.sampler),
        ("Schedule type", settings.schedule),
        ("CFG scale", f"{settings.cfg:g}"),
        ("Seed", str(settings.seed)),
        ("Size", f"{settings.width}x{settings.height}"),
        ("Model hash", model.short_hash if hashable else None),
        ("Model", _plain_name(model.name)),
        ("VAE hash", model.vae_sha256[:10] if model.vae_sha256 else None),
        ("Variation seed", str(settings.subseed) if settings.subseed_strength else None),
        ("Variation seed strength", f"{settings.subseed_strength:g}" if settings.subseed_strength else None),
        ("Clip skip", str(settings.clip_skip) if settings.clip_skip > 1 else None),
        ("RNG", "CPU"),
        ("CFG Rescale", f"{settings.cfg_rescale:g}" if settings.cfg_rescale else None),
        (_eta_key(settings.sampler), None if settings.eta is None else f"{settings.eta:g}"),
        ("Emphasis", settings.emphasis.capitalize() if settings.emphasis != "original" else None),
        ("Lora hashes", _hashes((a.name, a.autov3) for a in record.adapters)),
        ("TI hashes", _hashes((e.name, e.sha256) for e in record.embeddings)),
        ("Version", f"lora-mixer {record.versions.get('lora-mixer', '')}".strip()),
    )


def _eta_key(sampler: str) -> str:
    """Return A1111's name for eta: DDIM's stands in a field of its own."""
    return "Eta DDIM" if sampler == "DDIM" else "Eta"


def _hashes(pairs: Iterable[tuple[str, str]]) -> str | None:
    return ", ".join(f"{_plain_name(n)}: {d[:HASH_DIGITS]}" for n, d in pairs if usable_hash(d)) or None


def _tag(adapter: AdapterRecord) -> str:
    text, unet = adapter.strength.of("te1"), adapter.strength.of("unet")
    strengths = f"{text:g}" if text == unet else f"{text:g}:{unet:g}"
    return f"<lora:{_plain_name(adapter.name)}:{strengths}>"


def _plain_name(name: str) -> str:
    return "".join(char for char in name if char not in ':,<>"\n')


def _one_text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()
