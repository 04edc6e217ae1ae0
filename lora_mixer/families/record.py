"""What a base model family is: one record, from which detection, naming, block weights and errors are made."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from lora_mixer.families.clues import Clue, Traits
from lora_mixer.modules import DENOISER, Sees

Config = Mapping[str, Any]
"""A component's configuration in diffusers' or transformers' words."""


class ModulePlace(NamedTuple):
    """Where a module stands in its network.

    Attributes:
        block: The block it counts to for block weights (`BASE`, `IN04`, ...).
        level: How often the latent's sides were halved on the way to it.
        sees: What its output lies over.
        section: What a report counts it in (`unet down`, `te1`, ...).
        original: Its name in the code base the family was published with, dots as underscores.
    """

    block: str
    level: int
    sees: Sees
    section: str
    original: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A number of a denoiser that can be read from its configuration or from a single file's shapes.

    Attributes:
        config: Its name in the configuration.
        key: Ending of the tensor's key in a single file.
        axis: The axis of that tensor that has this length.
    """

    config: str
    key: str
    axis: int


@dataclass(frozen=True, kw_only=True, eq=False)
class DenoiserKind:
    """A kind of denoiser: how its modules are named and where each stands. Families share one.

    Attributes:
        name: The word for it.
        title: What people call it.
        folder: Its folder in a diffusers model; also what diffusers' LoRA keys begin with.
        class_name: Its class in diffusers.
        prefix: What the keys of a single file begin with.
        kohya: What kohya's and LyCORIS' names begin with.
        names: A regular expression that the flat names of its modules match at their start, and no other kind's.
        paths: A regular expression that its modules' paths in diffusers match at their start.
        required: Keys every single file has, behind the prefix.
        measures: The numbers that tell families apart.
        extra_channels: How many input channels beside the latent's it may have.
        clues: What the module names and shapes of an adapter tell.
        traits: From a configuration to the numbers that the clues are compared with.
        places: From all module paths of a network to where each stands.
        original: From a module path to its paths in the original code base; several where exporters disagree.
        written: The one of these paths that a file is written with, given all paths of the network.
        original_blocks: What those paths begin with.
    """

    name: str
    title: str
    folder: str
    class_name: str
    prefix: str
    kohya: tuple[str, ...]
    names: str
    paths: str
    required: frozenset[str]
    measures: tuple[Measure, ...]
    extra_channels: frozenset[int] = frozenset({0})
    clues: tuple[Clue, ...]
    traits: Callable[[Config], Traits]
    places: Callable[[Collection[str]], Mapping[str, ModulePlace]]
    original: Callable[[str], tuple[str, ...]]
    written: Callable[[str, Collection[str]], str]
    original_blocks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEncoderSpec:
    """One text encoder of a family.

    Attributes:
        part: Its part in module names.
        folder: Its folder in a diffusers model; also what diffusers' LoRA keys begin with.
        tokenizer: The folder of its tokenizer.
        class_name: Its class in transformers.
        kohya: What kohya's names begin with, the usual one first.
        bare: Files may name its modules without any prefix: it is the only encoder.
        comfy: ComfyUI's word for it.
        omi: The open model initiative's word for it.
        embeddings: The keys of its vectors in embedding files with several encoders.
        open_clip: It was published in OpenCLIP's layout: other layer names, padding with token 0.
        single_file: What its keys in a single file begin with.
        skip: The layer whose output is used, from the end, if the prompt asks for none.
        final_norm: The final layer norm is applied to layers other than the last.
        pooled: Its projected pooled output goes to the denoiser, too.
    """

    part: str
    folder: str
    tokenizer: str
    class_name: str
    kohya: tuple[str, ...]
    bare: bool = False
    comfy: str
    omi: str
    embeddings: tuple[str, ...]
    open_clip: bool = False
    single_file: str
    skip: int = 1
    final_norm: bool = True
    pooled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockLayout:
    """The blocks of a family as block weights name them.

    Attributes:
        blocks: All of them, in the order of the longest list.
        lists: The lists of numbers people write: which block each number is for. A block left out has weight 0.
        presets: The lists that have a name, by that name.
    """

    blocks: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]
    presets: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class VelocityTest:
    """A tensor that tells models of velocity from models of noise where a file says nothing.

    Attributes:
        key: Its key, behind the denoiser's prefix.
        deviation: Models of velocity have at least this standard deviation in it.
    """

    key: str
    deviation: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Family:
    """A base architecture; adapters of one do not fit another. Two records are equal only if they are the same one.

    Attributes:
        name: The word for it in models.toml and records.
        title: The name people use.
        denoiser: Its kind of denoiser.
        text_encoders: Its text encoders, in the order their outputs are joined.
        configs: Configurations by component folder (the denoiser's, each encoder's, `vae`, `scheduler`).
        signature: What each measure of the denoiser may be; the first family of the table that fits is taken.
        metadata: Metadata key of adapters -> how its value begins for this family.
        base_model: kohya's `ss_base_model_version`, for adapters that are written.
        architecture: The SAI model specification's `modelspec.architecture`, likewise.
        layout: Its block weights.
        kohya_original: kohya's trainer names its denoiser by the original code base's blocks.
        no_single_file: Why it has no single-file layout; empty if it has one.
        pipeline: diffusers' pipeline class.
        pipeline_options: What its constructor asks for and this program has no use for.
        sizes: What the denoiser is told beside the text, by name (`height`, `width`, `top`, `left`, `target_height`, `target_width`, `score`).
        emphasis: The emphasis mode that suits it.
        zero_empty_negative: An empty negative prompt is all zeros, as in its training.
        schedule_table: Which table of levels optimised schedules take (`sd1`, `sdxl`).
        velocity_test: Tells its models of velocity, if it has both and files may not say.
    """

    name: str
    title: str
    denoiser: DenoiserKind
    text_encoders: tuple[TextEncoderSpec, ...]
    configs: Mapping[str, Config]
    signature: Mapping[str, Container[int]]
    metadata: Mapping[str, tuple[str, ...]]
    base_model: str
    architecture: str
    layout: BlockLayout
    kohya_original: bool = False
    no_single_file: str = ""
    pipeline: str
    pipeline_options: Mapping[str, object]
    sizes: tuple[str, ...] = ()
    emphasis: str = "original"
    zero_empty_negative: bool = False
    schedule_table: str = "sd1"
    velocity_test: VelocityTest | None = None

    def __str__(self) -> str:
        """Return its name."""
        return self.name

    def __repr__(self) -> str:
        """Return its name, marked as a family."""
        return f"Family({self.name})"

    @property
    def parts(self) -> tuple[str, ...]:
        """Its parts in order: the denoiser, then the text encoders."""
        return (DENOISER, *(encoder.part for encoder in self.text_encoders))

    def encoder(self, part: str) -> TextEncoderSpec | None:
        """Return the text encoder of a part; None if it has none of it."""
        return next((encoder for encoder in self.text_encoders if encoder.part == part), None)

    @cached_property
    def traits(self) -> Traits:
        """The numbers that clues are compared with, by name; each text encoder's widths by its part."""
        widths = {
            encoder.part: frozenset({int(self.configs[encoder.folder]["hidden_size"])})
            for encoder in self.text_encoders
        }
        return {**self.denoiser.traits(self.configs[self.denoiser.folder]), **widths}

    def network(self, part: str) -> DenoiserKind | TextEncoderSpec | None:
        """Return the denoiser or the text encoder of a part; None if it has none of it."""
        return self.denoiser if part == DENOISER else self.encoder(part)
