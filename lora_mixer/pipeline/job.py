"""One picture's passes: what each starts from, and what text and which mix act at each of its steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lora_mixer.blend import Share, Stack, WeightedAdapter
from lora_mixer.files import Seal
from lora_mixer.hires import HiresSettings
from lora_mixer.images.canvas import Inpainting
from lora_mixer.inputs import InputPicture
from lora_mixer.pipeline.upscaling import UpscalerUse
from lora_mixer.places import DrawnMask
from lora_mixer.prompt import Piece
from lora_mixer.request import ModelSource, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One text that conditions a picture, with its weight and its mix.

    Attributes:
        pieces: The text with its emphasis.
        stack: The mix on the text encoders and on the denoiser for this text.
        weight: Factor on the guidance towards this text (1 unless `AND` or a method with several rows says otherwise).
        negative: It is what to steer away from.
        share: Where in the picture it is read; None: everywhere.
        others: The texts that are read elsewhere, which together with this one cover the picture.
        over: The mix over the picture, where regions have LoRAs of their own; None: `stack`.
        hushed: Words that are hardly heard in a part of the picture: those of the regions that lie elsewhere.
    """

    pieces: tuple[Piece, ...]
    stack: Stack
    weight: float = 1.0
    negative: bool = False
    share: Share | None = None
    others: tuple[Condition, ...] = ()
    over: Stack | None = None
    hushed: tuple[tuple[str, Share], ...] = ()

    @property
    def acting(self) -> Stack:
        """The mix on what lies over the picture."""
        return self.stack if self.over is None else self.over

    @property
    def texts(self) -> tuple[Condition, ...]:
        """All texts that are read for it, itself the first."""
        return (self, *self.others)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A run of steps with constant conditions.

    Attributes:
        start: First step.
        stop: The step after the last.
        positive: Positive conditions.
        negative: The negative text under each mix that acts on a row of its own; the weights add up to 1.
    """

    start: int
    stop: int
    positive: tuple[Condition, ...]
    negative: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterUse:
    """One adapter that a picture uses at some step, for its record.

    Attributes:
        name: The name used in the request.
        file: Its file name.
        sha256: The digest of the whole file.
        autov3: The digest used by A1111 and Civitai.
        alias: The name given by its trainer.
        placed: The adapter and its strength.
        seals: Its file and its mask picture, as they were when read.
    """

    name: str
    file: str
    sha256: str
    autov3: str | None
    alias: str | None = None
    placed: WeightedAdapter
    seals: tuple[Seal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FromNoise:
    """A pass that starts from noise alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPicture:
    """A pass that starts from an input picture with noise on it (image to image), or draws a part of it (inpainting).

    Attributes:
        picture: The picture, its digest known.
        resize_mode: How it is brought to the size of the pass.
        steps: How many steps the whole course from noise alone has; the pass takes the last ones.
        mask: What of it is drawn anew; None: all of it.
        inpainting: How that is done, if there is a mask.
        anew: Start from noise alone all the same, where all of what is masked is drawn anew.
    """

    picture: InputPicture
    resize_mode: str
    steps: int
    mask: InputPicture | None = None
    inpainting: Inpainting | None = None
    anew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPassBefore:
    """A pass that starts from the enlarged picture of the pass before with noise on it (hires fix).

    Attributes:
        hires: Its size, and how the picture is enlarged.
        upscaler: The network that does, if one does.
    """

    hires: HiresSettings
    upscaler: UpscalerUse | None = None


Start = FromNoise | FromPicture | FromPassBefore


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """A denoising loop: a start, settings, and conditions for every step.

    Attributes:
        start: What it starts from.
        settings: Size, steps that are taken, sampler, guidance, prompts and mix, every value filled in.
        segments: Segments covering all steps, in order.
    """

    start: Start = field(default_factory=FromNoise)
    settings: Settings
    segments: tuple[Segment, ...]

    def at(self, step: int) -> Segment:
        """Return the segment that a step lies in."""
        return next(segment for segment in self.segments if segment.start <= step < segment.stop)

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """The distinct mixes over the picture of all steps."""
        return tuple(dict.fromkeys(condition.acting for condition in self._whole))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions of the pass, those of regions among them."""
        return tuple(text for condition in self._whole for text in condition.texts)

    @property
    def _whole(self) -> tuple[Condition, ...]:
        """The conditions that rows of guidance are made of."""
        return tuple(condition for segment in self.segments for condition in (*segment.positive, *segment.negative))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One picture to render: its settings and its passes.

    Attributes:
        settings: Every value filled in.
        passes: One or more; the latents of the last become the picture.
        uses: Adapters that act in any step of any pass.
        upscaler: The network that enlarges the finished picture, if one does.
        notes: Notes for the record.
        matrices: Digests of the matrices that its method put between LoRAs' factors.
        seals: The files of its model as they were when it was opened.
        source: The model it was resolved on; None: whichever renders it.
        seeks: The words of things whose places are still to be found, by a probe.
        found: The places that were found, by these words.
    """

    settings: Settings
    passes: tuple[Pass, ...]
    uses: tuple[AdapterUse, ...] = ()
    upscaler: UpscalerUse | None = None
    notes: tuple[str, ...] = ()
    matrices: tuple[str, ...] = ()
    seals: tuple[Seal, ...] = ()
    source: ModelSource | None = None
    seeks: tuple[str, ...] = ()
    found: Mapping[str, DrawnMask] = field(default_factory=dict)

    @property
    def files(self) -> tuple[Seal, ...]:
        """The files that determine the picture, as they were when the job was made."""
        return (
            *self.seals,
            *(seal for use in self.uses for seal in use.seals),
            *(use.seal for use in self.upscalers),
        )

    @property
    def upscalers(self) -> tuple[UpscalerUse, ...]:
        """The networks that enlarge its picture, between passes and at the end."""
        between = (one.start.upscaler for one in self.passes if isinstance(one.start, FromPassBefore))
        return tuple(dict.fromkeys(use for use in (*between, self.upscaler) if use is not None))

    @property
    def stacks(self) -> tuple[Stack, ...]:
        """The distinct mixes of all steps."""
        return tuple(dict.fromkeys(stack for one in self.passes for stack in one.stacks))

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """All conditions of all passes."""
        return tuple(condition for one in self.passes for condition in one.conditions)
