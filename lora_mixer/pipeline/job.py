"""One picture's course: what text and which mix act at each step."""

from __future__ import annotations

from dataclasses import dataclass

from lora_mixer.blend import Stack, WeightedAdapter
from lora_mixer.files import Seal
from lora_mixer.hires import batch_part
from lora_mixer.prompt import Piece
from lora_mixer.request import ModelSource, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One text that steers a picture, the mix that acts while it does, and its weight.

    Attributes:
        pieces: The text with its emphasis.
        stack: The mix on the text encoders and on the UNet for this text.
        weight: Factor on the guidance towards this text (1 unless `AND` says otherwise).
        negative: It is what to steer away from.
    """

    pieces: tuple[Piece, ...]
    stack: Stack
    weight: float = 1.0
    negative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A run of steps during which nothing about the texts changes.

    Attributes:
        start: First step.
        stop: The step after the last.
        positive: What to steer towards.
        negative: What to steer away from.
    """

    start: int
    stop: int
    positive: tuple[Condition, ...]
    negative: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterUse:
    """One adapter that a picture uses at some step, for its record.

    Attributes:
        name: The name it was asked for by.
        file: Its file name.
        sha256: The digest of the whole file.
        autov3: The digest A1111 and Civitai know it by.
        alias: The name its trainer gave it.
        placed: The adapter and its strength.
        seals: Its file and the picture that masks it, as they were when they were read.
    """

    name: str
    file: str
    sha256: str
    autov3: str | None
    alias: str | None = None
    placed: WeightedAdapter
    seals: tuple[Seal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to render: its settings and its course through the steps.

    Attributes:
        settings: Every value filled in.
        segments: Stretches that cover all steps, in order.
        uses: Every adapter that acts at some step of either pass.
        notes: What was said about the request, for the record.
        second: The second pass of hires fix, as the job of a picture of its own.
        seals: The files of its model as they were when it was opened.
        source: The model it was resolved on; None: whichever renders it.
    """

    settings: Settings
    segments: tuple[Segment, ...]
    uses: tuple[AdapterUse, ...] = ()
    notes: tuple[str, ...] = ()
    second: Job | None = None
    seals: tuple[Seal, ...] = ()
    source: ModelSource | None = None

    @property
    def files(self) -> tuple[Seal, ...]:
        """The files that decide the picture, as they were when the job was made."""
        return (*self.seals, *(seal for use in self.uses for seal in use.seals))

    def at(self, step: int) -> Segment:
        """Return the stretch that a step lies in."""
        return next(segment for segment in self.segments if segment.start <= step < segment.stop)

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """Every mix that acts at some step, without repeats."""
        return tuple(dict.fromkeys(condition.stack for condition in self.conditions))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Every text of the course."""
        return tuple(condition for segment in self.segments for condition in (*segment.positive, segment.negative))


def batch_key(settings: Settings) -> tuple[object, ...]:
    """Return what pictures must share to be rendered in one batch."""
    return (
        settings.model,
        settings.steps,
        settings.sampler,
        settings.schedule,
        settings.eta,
        settings.width,
        settings.height,
        batch_part(settings.hires),
    )
