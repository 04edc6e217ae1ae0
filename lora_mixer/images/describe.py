"""From our record to A1111's infotext, so that Civitai, A1111, Forge and their readers see the picture whole."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from lora_mixer.hires import HiresSettings
from lora_mixer.images.infotext import Infotext
from lora_mixer.images.record import AdapterRecord, RenderRecord, usable_hash

HASH_DIGITS = 12


def infotext(record: RenderRecord) -> str:
    """Return a record as A1111's infotext: its grammar, its names, its order of fields.

    Every adapter stands in the prompt as a tag (that is where A1111 and Civitai look for the strengths) and in
    `Lora hashes`. `Version` starts with our name: A1111 takes a bare number below 1.6.0 as leave to read
    `[a:b:1]` by its old rule.
    """
    return Infotext(
        prompt=_one_text(tagged_prompt(record.settings.prompt, _of_first_pass(record))),
        negative=_one_text(record.settings.negative),
        fields=MappingProxyType({key: value for key, value in _fields(record) if value is not None}),
    ).to_text()


def tagged_prompt(prompt: str, adapters: Iterable[AdapterRecord]) -> str:
    """Return the prompt with a `<lora:name:strength>` tag for every adapter it does not name already."""
    tags = [_tag(adapter) for adapter in adapters if not _names(prompt, adapter)]
    return " ".join(part for part in (prompt.rstrip(), *tags) if part)


def _names(prompt: str, adapter: AdapterRecord) -> bool:
    lowered = prompt.lower()
    return any(f"<{word}:{_plain_name(adapter.name).lower()}:" in lowered for word in ("lora", "lyco"))


def _mixed(record: RenderRecord) -> list[AdapterRecord]:
    """Return the adapters that act in both passes, since no prompt's tag names them."""
    mixed = {use.name for use in record.settings.loras}
    return [adapter for adapter in record.adapters if adapter.name in mixed]


def _of_first_pass(record: RenderRecord) -> list[AdapterRecord]:
    """Return the adapters but those that only the second pass's own prompts name."""
    hires, mixed = record.settings.hires, _mixed(record)
    own = "" if hires is None else f"{hires.prompt or ''}{hires.negative or ''}"
    said = f"{record.settings.prompt}{record.settings.negative}"
    return [a for a in record.adapters if a in mixed or _names(said, a) or not _names(own, a)]


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
        ("Denoising strength", f"{settings.hires.denoise:g}" if settings.hires else None),
        ("Clip skip", str(settings.clip_skip) if settings.clip_skip > 1 else None),
        ("RNG", settings.rng.upper()),
        ("CFG Rescale", f"{settings.cfg_rescale:g}" if settings.cfg_rescale else None),
        *(_hires_fields(record, settings.hires) if settings.hires else ()),
        ("Emphasis", settings.emphasis.capitalize() if settings.emphasis != "original" else None),
        ("Lora hashes", _hashes((a.name, a.autov3) for a in record.adapters)),
        ("TI hashes", _hashes((e.name, e.sha256) for e in record.embeddings)),
        (_eta_key(settings.sampler), None if settings.eta is None else f"{settings.eta:g}"),
        ("Version", f"lora-mixer {record.versions.get('lora-mixer', '')}".strip()),
    )


def _hires_fields(record: RenderRecord, hires: HiresSettings) -> tuple[tuple[str, str | None], ...]:
    """Return what A1111 says of a second pass: what is as in the first is left out. `Hires CFG Scale` is Forge's."""
    first = record.settings
    own = None if hires.prompt is None else _one_text(tagged_prompt(hires.prompt, _mixed(record)))
    size = f"{hires.width}x{hires.height}"
    return (
        ("Hires sampler", hires.sampler if hires.sampler != first.sampler else None),
        ("Hires prompt", own),
        ("Hires negative prompt", None if hires.negative is None else _one_text(hires.negative)),
        ("Hires CFG Scale", f"{hires.cfg:g}" if hires.cfg != first.cfg else None),
        ("Hires schedule type", hires.schedule if hires.schedule != first.schedule else None),
        ("Hires resize", size) if hires.scale is None else ("Hires upscale", f"{hires.scale:g}"),
        ("Hires steps", str(hires.steps)),
        ("Hires upscaler", hires.upscaler),
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
