"""What a training is asked to do: one dataclass, read from TOML, from options and from Python alike."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from lora_mixer.catalog.nearest import did_you_mean
from lora_mixer.errors import ConfigError, RequestError
from lora_mixer.fieldtypes import check_fields
from lora_mixer.files import read_file
from lora_mixer.forms import LOKR_FACTOR, TRAINED
from lora_mixer.modules import DENOISER
from lora_mixer.trainer.captions import CaptionRules
from lora_mixer.trainer.dropouts import Dropouts
from lora_mixer.trainer.sample_settings import SampleSettings
from lora_mixer.trainer.slider_settings import SliderSettings
from lora_mixer.wording import page

LOSSES = ("l2", "huber", "smooth_l1")
SECOND_TEXT_ENCODER = "te2"
HUBER_SCHEDULES = ("constant", "snr")
SCHEDULES = ("constant", "cosine", "linear")
PRECISIONS = ("float32", "bfloat16", "float16")
_TOML_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """How a LoRA is trained.

    Attributes:
        steps: Optimizer steps.
        batch: Pictures a step, on each device.
        accumulate: So many batches make up a step.
        kind: `lora` (with `conv_rank`: LoCon), `loha` or `lokr`.
        rank: Of linear layers.
        alpha: The scale is alpha / rank; the rank if None.
        rs_lora: Whether the scale is alpha / sqrt(rank) instead, so that large ranks learn as fast.
        conv_rank: Of convolutions larger than 1x1; 0 leaves them alone.
        dora: Whether magnitudes are learned as well.
        factor: The largest side of LoKr's outer matrix.
        targets: A regular expression over module paths; None is all of the attention, with `conv_rank` all layers.
        block_ranks: Ranks by part of a module path, over `rank` and `conv_rank`; 0 leaves the layers out.
        dropout: Which share of the numbers between A and B is left out at random; of plain LoRAs.
        rank_dropout: Which share of the ranks is.
        module_dropout: Which share of the layers is.
        rate: The learning rate of the denoiser's layers.
        text_rate: That of the text encoders' layers; None leaves them alone.
        text_rate_2: That of SDXL's second text encoder; `text_rate` if None, and 0 leaves it alone.
        optimizer: A name of `OPTIMIZERS`.
        schedule: How the rate goes: `constant`, `cosine` or `linear` to zero.
        warmup: Steps, or below 1 a share of them, over which the rate rises from zero.
        clip: The largest norm of the gradient; 0 for no limit.
        weight_decay: AdamW's.
        resolution: The side of a square picture in pixels; the model's own if None.
        bucket_step: Sides of buckets are multiples of this, in pixels.
        crop: Whether pictures are all cut to squares, rather than sorted into buckets.
        flip: Whether half of the pictures are mirrored.
        trigger: A word put first in captions that lack it.
        shuffle: Whether tags come in another order each time.
        keep_tokens: How many tags stay first.
        caption_dropout: How often a caption is left out.
        tag_dropout: How often a tag is left out.
        prior_weight: What regularisation pictures count.
        loss: `l2`, `huber` or `smooth_l1`.
        huber_c: Where Huber's loss turns from square to straight.
        huber_schedule: `constant`, or `snr`: nearly square where there is little noise.
        min_snr_gamma: Hang et al.'s limit on a timestep's weight, usually 5; None weighs all alike.
        debiased: Yu et al.'s weights, 1 / sqrt(SNR).
        noise_offset: How much one number a channel is added to the noise, 0.05 to 0.1.
        multires: Of how many sizes noise is added up; 0 for plain noise.
        multires_discount: How much each coarser size counts.
        seed: Of everything random.
        precision: What the forward pass computes in: `float32`, `bfloat16` or `float16`.
        gradient_checkpointing: Whether activations are computed again for the gradient: less memory, a third more time.
        validation: Which share of the pictures is held out and measured, 0 to 0.5.
        save_every: After so many steps a file of its own is written; 0 for the last alone.
        samples: Which pictures are painted while it trains; none if None. See "Samples".
        slider: Two prompts to learn a slider from, instead of pictures; none if None. See "Sliders".
        tensorboard: Whether losses and samples are written for TensorBoard as well.
        checkpoint_every: After so many steps the state is saved, so that a training can go on after any end.
        save_dtype: What files are written in.
    """

    steps: int = 1000
    batch: int = 4
    accumulate: int = 1
    kind: str = "lora"
    rank: int = 16
    alpha: float | None = None
    rs_lora: bool = False
    conv_rank: int = 0
    dora: bool = False
    factor: int = LOKR_FACTOR
    targets: str | None = None
    block_ranks: Mapping[str, int] | None = None
    dropout: float = 0.0
    rank_dropout: float = 0.0
    module_dropout: float = 0.0
    rate: float = 1e-4
    text_rate: float | None = None
    text_rate_2: float | None = None
    optimizer: str = "adamw"
    schedule: str = "cosine"
    warmup: float = 0.05
    clip: float = 1.0
    weight_decay: float = 0.01
    resolution: int | None = None
    bucket_step: int = 64
    crop: bool = False
    flip: bool = False
    trigger: str | None = None
    shuffle: bool = False
    keep_tokens: int = 0
    caption_dropout: float = 0.0
    tag_dropout: float = 0.0
    prior_weight: float = 1.0
    loss: str = "l2"
    huber_c: float = 0.1
    huber_schedule: str = "constant"
    min_snr_gamma: float | None = None
    debiased: bool = False
    noise_offset: float = 0.0
    multires: int = 0
    multires_discount: float = 0.3
    seed: int = 0
    precision: str = "float32"
    gradient_checkpointing: bool = False
    validation: float = 0.0
    save_every: int = 0
    samples: SampleSettings | None = None
    slider: SliderSettings | None = None
    tensorboard: bool = False
    checkpoint_every: int = 100
    save_dtype: str = "float16"

    def __post_init__(self) -> None:
        """Refuse values of the wrong type, impossible ones, and those that contradict each other."""
        check_fields(self)
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise RequestError(f"{name} {value:g} is out of range", remedy=f"Use {low:g} to {high:g}.")
        for name, allowed in _CHOICES:
            if getattr(self, name) not in allowed:
                raise RequestError(f"{name} {getattr(self, name)!r} is none of {', '.join(allowed)}")
        self._check_together()

    def _check_together(self) -> None:
        """Refuse settings that contradict each other."""
        if self.debiased and self.min_snr_gamma is not None:
            raise RequestError("debiased and min_snr_gamma both weigh timesteps", remedy="Take one of them.")
        if self.dropout and (self.kind != "lora" or self.dora):
            raise RequestError("dropout is of plain LoRAs", remedy="Use rank_dropout or module_dropout.")
        self.captions  # noqa: B018 - its checks

    def rate_of(self, part: str) -> float:
        """Return the learning rate of a part of the model: the denoiser, or a text encoder; 0 leaves it alone."""
        if part == DENOISER:
            return self.rate
        own = self.text_rate_2 if part == SECOND_TEXT_ENCODER else None
        return (self.text_rate if own is None else own) or 0.0

    @property
    def dropouts(self) -> Dropouts:
        """What is left out at random."""
        return Dropouts(outputs=self.dropout, ranks=self.rank_dropout, modules=self.module_dropout)

    @property
    def captions(self) -> CaptionRules:
        """How captions vary."""
        return CaptionRules(
            trigger=self.trigger,
            shuffle=self.shuffle,
            keep_tokens=self.keep_tokens,
            caption_dropout=self.caption_dropout,
            tag_dropout=self.tag_dropout,
        )

    def over(self, values: Mapping[str, Any]) -> Self:
        """Return these settings with some replaced.

        Raises:
            RequestError: One is none, or has an impossible value; the nearest name is in the remedy.
        """
        names = [field.name for field in fields(self)]
        for name in values:
            if name not in names:
                remedy = did_you_mean(name, names, otherwise=f"{page('training')} has all of them.")
                raise RequestError(f"{name!r} is no setting of a training", remedy=remedy)
        return replace(self, **{name: _read(name, value) for name, value in values.items()})

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the settings of a TOML file, whose keys are the fields' names.

        Raises:
            FileError: It cannot be read.
            ConfigError: It is no TOML, or a key or value is impossible.
        """
        try:
            table = tomllib.loads(read_file(path, at_most=_TOML_BYTES).decode("utf-8-sig"))
            return cls().over(table)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"it is no TOML: {error}", where=str(path)) from error
        except RequestError as error:
            raise ConfigError(error.what, where=str(path), remedy=error.remedy) from error


def _read(name: str, value: Any) -> Any:  # noqa: ANN401 as TOML or Python has it
    """Return a setting's value; those that are tables have a class of their own."""
    of = _TABLES.get(name)
    return value if of is None or value is None or isinstance(value, of) else of.of(value)


_TABLES: Mapping[str, type[SampleSettings] | type[SliderSettings]] = {
    "samples": SampleSettings,
    "slider": SliderSettings,
}
_RANGES: tuple[tuple[str, float, float], ...] = (
    ("steps", 1, 10_000_000),
    ("batch", 1, 4096),
    ("accumulate", 1, 4096),
    ("rank", 1, 1024),
    ("conv_rank", 0, 1024),
    ("factor", 1, 1024),
    ("dropout", 0, 0.99),
    ("rank_dropout", 0, 0.99),
    ("module_dropout", 0, 0.99),
    ("rate", 0, 100),
    ("text_rate", 0, 100),
    ("text_rate_2", 0, 100),
    ("warmup", 0, 10_000_000),
    ("clip", 0, 1e9),
    ("weight_decay", 0, 10),
    ("resolution", 64, 8192),
    ("bucket_step", 8, 1024),
    ("prior_weight", 0, 100),
    ("huber_c", 1e-6, 1e6),
    ("min_snr_gamma", 1e-3, 1e6),
    ("noise_offset", 0, 1),
    ("multires", 0, 10),
    ("multires_discount", 0, 1),
    ("seed", 0, 2**63 - 1),
    ("validation", 0, 0.5),
    ("save_every", 0, 10_000_000),
    ("checkpoint_every", 1, 10_000_000),
)
_CHOICES = (
    ("kind", TRAINED),
    ("loss", LOSSES),
    ("huber_schedule", HUBER_SCHEDULES),
    ("schedule", SCHEDULES),
    ("precision", PRECISIONS),
    ("save_dtype", PRECISIONS),
)
