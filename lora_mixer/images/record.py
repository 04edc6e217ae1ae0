"""A finished picture's record: everything needed to render it again, nothing left to defaults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache, partial
from pathlib import PurePath

from pydantic import BaseModel, TypeAdapter, ValidationError

from lora_mixer.choices import AUTOMATIC, key_of, schedule_before
from lora_mixer.errors import BrokenFileError
from lora_mixer.mixes import Strength
from lora_mixer.places import DrawnMask
from lora_mixer.request import Settings

RECIPE = 2
"""What names of samplers and schedules mean in records that are written now; those without a number are of the first."""

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The sha256 of nothing: adapters that carry it as their hash exist, and it identifies none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRecord:
    """The model a picture was made with.

    Attributes:
        name: The name it is called by.
        sha256: Digest of its weights, 64 hex digits.
        family: The base family.
        vae_sha256: Digest of a separate VAE, if one was used.
        settings_sha256: Digest of what lies beside the weights and decides pixels (configurations, noise schedule,
            tokenizers); None where one file is the whole model, and in records of earlier versions.
    """

    name: str
    sha256: str
    family: str | None = None
    vae_sha256: str | None = None
    settings_sha256: str | None = None

    @property
    def short_hash(self) -> str:
        """The first ten digits, which A1111 calls "Model hash" and Civitai "AutoV2"."""
        return self.sha256[:10]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterRecord:
    """An adapter that acted on a picture.

    Attributes:
        name: The name it was asked for by.
        file: Its file's name, without folders.
        sha256: Digest of the whole file.
        autov3: Digest of the bytes after the safetensors header (kohya's hash; survives edits of the metadata).
        strength: How strongly it acted.
        kind: Its algebra, such as `lora` or `loha`; several joined by `+`.
        modules: How many modules of the model it changed.
        mask_sha256: Digest of the picture that masks it, if one does.
        scale: What its products are multiplied by besides the strength, and who says so: the file's alphas, or PEFT's
            settings, which may lie in another file.
    """

    name: str
    file: str
    sha256: str
    autov3: str
    strength: Strength
    kind: str
    modules: int
    mask_sha256: str | None = None
    scale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingRecord:
    """A textual-inversion embedding that one of the texts named."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscalerRecord:
    """A network that enlarged a picture: its name, its file's without folders, and the file's digest."""

    name: str
    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What decides a picture besides its settings: files by their digests, packages by their versions, the machine.

    The attributes are those of `RenderRecord`.
    """

    model: ModelRecord
    adapters: tuple[AdapterRecord, ...] = ()
    embeddings: tuple[EmbeddingRecord, ...] = ()
    upscalers: tuple[UpscalerRecord, ...] = ()
    matrices: tuple[str, ...] = ()
    device: str
    dtype: str
    versions: Mapping[str, str]
    recipe: int = RECIPE


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRecord:
    """How one picture came to be.

    Attributes:
        settings: Every value, the seed among them.
        model: The model.
        adapters: The mix as it was applied.
        embeddings: The embeddings that were used.
        upscalers: The networks that enlarged it.
        matrices: Digests of the matrices that the method put between LoRAs' factors (SSR-Merge).
        schedule: The schedule that was taken, which `Automatic` in the settings does not say.
        engine: How the mix was put on the weights: `none`, `merged`, `side`.
        engine_reason: Why that one.
        batch_size: How many pictures were rendered together.
        batch_index: Which of them this one was, from 0.
        recipe: Which meaning the names of samplers and schedules had when it was drawn (1: diffusers' spacings).
        places: The places that were found by a probe, by the words of what lies there.
        companions: The settings of the whole batch, this picture's among them, if it was not alone: the last bits of
            a sum depend on what is computed beside it, so the same pixels need the same batch.
        device: Where it was computed.
        dtype: In what precision.
        threads: How many CPU threads, if the CPU computed.
        versions: Versions of the packages that decide the pixels, by name.
        seconds: Time spent on this picture.
        tiled: Whether it was decoded in tiles, whose seams are blended.
        upscale_tile: The side of the tiles that a network enlarged, where memory did not suffice for the usual ones.
        notes: What the user was told on the way, such as a missing embedding.
    """

    settings: Settings
    model: ModelRecord
    adapters: tuple[AdapterRecord, ...] = ()
    embeddings: tuple[EmbeddingRecord, ...] = ()
    upscalers: tuple[UpscalerRecord, ...] = ()
    matrices: tuple[str, ...] = ()
    schedule: str | None = None
    engine: str
    engine_reason: str
    batch_size: int
    batch_index: int
    device: str
    dtype: str
    threads: int | None = None
    versions: Mapping[str, str]
    seconds: float
    tiled: bool = False
    upscale_tile: int | None = None
    notes: tuple[str, ...] = ()
    companions: tuple[Settings, ...] = ()
    places: Mapping[str, DrawnMask] = field(default_factory=dict)
    recipe: int = RECIPE

    @property
    def inputs(self) -> Inputs:
        """What the picture was made from besides its settings."""
        return Inputs(**{field.name: getattr(self, field.name) for field in fields(Inputs)})

    def to_json(self) -> str:
        """Return the record as one line of JSON; `from_json` gives an equal record back."""
        return json.dumps(plain(self), ensure_ascii=False, separators=(",", ":"))

    @staticmethod
    def from_json(text: str | bytes) -> RenderRecord:
        """Read what `to_json` wrote; keys of newer versions are ignored, names of older ones become today's.

        Raises:
            BrokenFileError: The text is no record.
        """
        try:
            record, dated = _reader().validate_json(text), _Dated.model_validate_json(text)
            return named_now(replace(record, recipe=dated.recipe))
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise BrokenFileError(
                f"the record is damaged: {first['msg']}", where=place or None, remedy="Use another copy of the picture."
            ) from error


def plain(value: object) -> object:
    """Return a value made of dataclasses, tuples, mappings and paths as plain JSON values."""
    if isinstance(value, Strength):
        return plain(value.stored())
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value) if f.metadata.get("plain", True)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return value.as_posix() if isinstance(value, PurePath) else value


def usable_hash(digest: str) -> bool:
    """Tell whether a digest, or its beginning, can identify a file: the digest of nothing cannot."""
    return bool(digest) and not EMPTY_SHA256.startswith(digest.lower()[:12])


def named_now(record: RenderRecord) -> RenderRecord:
    """Return a record with today's names for the schedules it was drawn with.

    In the first recipe a schedule was a spacing of diffusers' classes, and `SGM Uniform` was their trailing one.
    `recipe` stays, so that what cannot be drawn as it was can be said.
    """
    if record.recipe >= RECIPE:
        return record
    here = partial(_settings_now, taken=record.schedule)
    return replace(
        record,
        settings=here(record.settings),
        schedule=schedule_before(record.schedule) if record.schedule else None,
        companions=tuple(here(settings) for settings in record.companions),
    )


def _settings_now(settings: Settings, *, taken: str | None) -> Settings:
    """Return settings of the first recipe; what `Automatic` came to (`taken`) is said, since it means another now."""
    automatic = key_of(settings.schedule) == key_of(AUTOMATIC)
    first = schedule_before((taken or AUTOMATIC) if automatic else settings.schedule)
    hires = settings.hires
    if hires is not None:
        as_first = key_of(hires.schedule) == key_of(AUTOMATIC) and hires.sampler == settings.sampler and automatic
        hires = replace(hires, schedule=first if as_first else schedule_before(hires.schedule))
    return replace(settings, schedule=first, hires=hires)


class _Dated(BaseModel):
    """Of a record, what says how old it is: those without a number are of the first recipe."""

    recipe: int = 1


@cache
def _reader() -> TypeAdapter[RenderRecord]:
    return TypeAdapter(RenderRecord)
