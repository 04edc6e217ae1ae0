"""Write our record as A1111's infotext, for Civitai, A1111, Forge and their readers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from lora_mixer.choices import AUTOMATIC, SCHEDULES
from lora_mixer.families import SD1, all_families, text_parts
from lora_mixer.hires import HiresSettings
from lora_mixer.images.infotext import Infotext
from lora_mixer.images.record import RenderRecord, usable_hash
from lora_mixer.keys import blocks_of, elements_text
from lora_mixer.mixes import LoraUse
from lora_mixer.modules import DENOISER
from lora_mixer.prompt import Clause, LoraTag, Prompt, own_part, tag_places, unparse
from lora_mixer.settings.infotext import infotext_of

HASH_DIGITS = 12
ORDER = (
    *("Steps", "Sampler", "Schedule type", "CFG scale", "Seed", "Size", "Model hash", "Model", "VAE hash"),
    *("Variation seed", "Variation seed strength", "Denoising strength", "Clip skip", "RNG", "CFG Rescale"),
    *("Hires sampler", "Hires prompt", "Hires negative prompt", "Hires CFG Scale", "Hires schedule type"),
    *("Hires resize", "Hires upscale", "Hires steps", "Hires upscaler", "Emphasis"),
)
"""A1111's order of keys; others stand behind, before `LAST`."""
LAST = ("Lora hashes", "TI hashes", "Eta", "Eta DDIM", "Version")


def infotext(record: RenderRecord) -> str:
    """Return a record as A1111's infotext: its grammar, its names, its order of fields.

    Every adapter stands in a prompt as a tag (that is where A1111 and Civitai look for the strengths) and in
    `Lora hashes`. The schedule is the one that was taken: what `Automatic` means differs between programs. `Version`
    starts with our name: A1111 takes a bare number below 1.6.0 as leave to read `[a:b:1]` by its old rule.
    """
    return Infotext(
        prompt=_tagged(record.settings.prompt, record, negative=False),
        negative=_tagged(record.settings.negative, record, negative=True),
        fields=_fields(record),
    ).to_text()


def _tagged(text: str, record: RenderRecord, *, negative: bool) -> str:
    """Return a prompt with the tags of what acts on its half of guidance and stands in no prompt."""
    uses = [use for use in _untold(record) if use.strength.negative == negative]
    text = _one_text(text)
    if not uses:
        return text
    tags = " ".join(_tag(use, record.model.family) for use in uses)
    end = len(text) if negative else own_part(text, grammar=record.settings.grammar)
    if end < len(text):  # what stands behind a region's place is the region's
        return f"{text[:end].rstrip()} {tags} {text[end:]}"
    commented = "#" in text.rpartition("\n")[2]  # A1111 strips what follows it on the line, tags too
    return f"{text}\n{tags}" if commented else f"{text} {tags}".strip()


def _untold(record: RenderRecord) -> Iterator[LoraUse]:
    """Yield the mix, which no tag names, and adapters of which nobody knows where they were named."""
    settings = record.settings
    yield from settings.loras
    hires = settings.hires
    texts = (settings.prompt, settings.negative, *((hires.prompt, hires.negative) if hires else ()))
    told = {_plain_name(place.name).lower() for text in texts if text for place in tag_places(text)}
    told |= {_plain_name(use.name).lower() for use in settings.loras}
    for region in settings.regions:
        told |= {_plain_name(use.name).lower() for use in region.loras}
        told |= {_plain_name(p.name).lower() for t in (region.prompt, region.negative or "") for p in tag_places(t)}
    for adapter in record.adapters:
        if _plain_name(adapter.name).lower() not in told:
            yield LoraUse(adapter.name, adapter.strength)


def _fields(record: RenderRecord) -> Mapping[str, str]:
    """Return the fields of an infotext by key: the settings as their table has them, and what only a record knows."""
    settings, model = record.settings, record.model
    fields: dict[str, str | None] = {
        **infotext_of(settings),
        "Schedule type": _schedule(record.schedule or settings.schedule),
        "Size": f"{settings.width}x{settings.height}",
        "Model hash": model.short_hash if usable_hash(model.sha256) else None,
        "Model": _plain_name(model.name),
        "VAE hash": model.vae_sha256[:10] if model.vae_sha256 else None,
        **(_hires_fields(record, settings.hires) if settings.hires else {}),
        "Lora hashes": _hashes((a.name, a.autov3) for a in record.adapters),
        "TI hashes": _hashes((e.name, e.sha256) for e in record.embeddings),
        "Version": f"lora-mixer {record.versions.get('lora-mixer', '')}".strip(),
    }
    if settings.init is not None and settings.hires is not None:  # A1111 has one key for both, and never both passes
        fields |= {
            "Denoising strength": infotext_of(settings)["Denoising strength"],
            "Hires strength": f"{settings.hires.denoise:g}",
        }
    if not settings.subseed_strength:
        fields["Variation seed"] = None
    if settings.sampler == "DDIM":  # its eta has a key of its own
        fields["Eta DDIM"] = fields.pop("Eta", None)
    others = [key for key in fields if key not in {*ORDER, *LAST}]
    pairs = ((key, fields.get(key)) for key in (*ORDER, *others, *LAST))
    return MappingProxyType({key: value for key, value in pairs if value is not None})


def _hires_fields(record: RenderRecord, hires: HiresSettings) -> dict[str, str | None]:
    """Return what A1111 says of a second pass: what is as in the first is left out. `Hires CFG Scale` is Forge's."""
    first = record.settings
    own = hires.sampler != first.sampler and hires.schedule == AUTOMATIC  # not the one the first pass took
    fields: dict[str, str | None] = {
        **infotext_of(hires, first),
        "Hires prompt": None if hires.prompt is None else _tagged(hires.prompt, record, negative=False),
        "Hires negative prompt": None if hires.negative is None else _tagged(hires.negative, record, negative=True),
    }
    if own or hires.schedule != first.schedule:
        fields["Hires schedule type"] = _schedule(hires.schedule)
    if hires.scale is None:
        fields["Hires resize"] = f"{hires.width}x{hires.height}"
    return fields


def _schedule(name: str) -> str:
    """Return the name other programs know a schedule by, or the nearest one."""
    row = SCHEDULES.get(name)
    return name if row is None or row.meant is None else row.meant


def _hashes(pairs: Iterable[tuple[str, str]]) -> str | None:
    said = (f"{_plain_name(n)}: {d[:HASH_DIGITS]}" for n, d in pairs if usable_hash(d))
    return ", ".join(dict.fromkeys(said)) or None


def _tag(use: LoraUse, family: str | None) -> str:
    """Return what every reader of tags takes of a strength; `lbw=` and `lbwe=` are passed over by others.

    Of `lbwe=` sd-webui-lora-block-weight takes the names of elements and passes over what is written out. No curve: A1111 without an extension takes it for a bad number, and then applies no LoRA at all.
    """
    strength = use.strength
    text, denoiser = (float(f"{strength.of(part):g}") for part in (text_parts()[0], DENOISER))
    tag = LoraTag(
        name=_plain_name(use.name),
        text=text,
        denoiser=None if denoiser == text else denoiser,
        rank=strength.rank,
        blocks_text=_blocks_text(strength.blocks, family) if strength.blocks else None,
        elements_text=_one_word(elements_text(strength.elements)) if strength.elements else None,
    )
    return unparse(Prompt(clauses=(Clause(children=(tag,)),)))


def _blocks_text(blocks: Mapping[str, float], family: str | None) -> str:
    """Return block weights as the list of numbers that sd-webui-lora-block-weight reads, all blocks of the family."""
    known = {one.name: one for one in all_families()}
    names = blocks_of(known.get(family or "", SD1))
    return ",".join(f"{blocks.get(name, 1.0):g}" for name in names)


def _plain_name(name: str) -> str:
    return "".join(char for char in name if char not in ':,<>"\n')


def _one_word(text: str) -> str:
    return "".join(char for char in text if char not in ":<>=\r\n")


def _one_text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").strip()
