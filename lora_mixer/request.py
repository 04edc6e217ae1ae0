"""What somebody asks for: a picture, a mix, a model. Plain values; nothing here opens a file or a model.

A request may leave things to the defaults (`None`); `Settings` is the same with every gap filled, and a record
is written from settings only.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, fields, replace

from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import check_fields, wrong_type
from lora_mixer.hires import Hires, HiresSettings
from lora_mixer.mixes import LoraUse, check_strength, listed, mix_of

MAX_STEPS = 1000
MAX_SIDE = 8192
MAX_SEED = 2**64 - 1
MAX_ETA = 2.0
MAX_LETTERS = 1 << 18
"""Characters of a prompt that is rendered: some 800 chunks of 75 tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """Where a model lies.

    Attributes:
        name: The name it is called by.
        location: A `.safetensors` file, a diffusers folder, or a hub id such as `owner/name`.
        family: The base family, if stated; else it is told from the tensors.
        vae: A separate VAE file or folder.
        dtype: `float32`, `bfloat16` or `float16`; None chooses by device.
    """

    name: str
    location: str
    family: str | None = None
    vae: str | None = None
    dtype: str | None = None


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """One picture somebody asks for. Everything but the prompt may be left to the defaults.

    >>> RenderRequest("cat", seed=7, loras={"line_art": 0.8}).loras[0].name
    'line_art'

    Attributes:
        prompt: What to draw, with emphasis, schedules and LoRA tags.
        negative: What to steer away from.
        loras: The mix, besides the tags in the prompt; a table such as `{"line_art": 0.8}` becomes uses.
        seed: What the noise is drawn from; None or a negative one is drawn at random.
        subseed: The seed of a variation, whose noise is blended into the starting noise; None or a negative one is
            drawn at random.
        subseed_strength: How far towards the variation, 0..1; 0 is not at all.
        steps: Sampling steps.
        cfg: How strongly the prompt guides; 1 is not at all.
        cfg_rescale: How far guidance is brought back to the contrast of the prompt's own prediction, 0..1 (phi of Lin
            et al. 2023, arXiv:2305.08891, section 3.4).
        eta: How much noise the sampler adds, as a share of what its method says; None leaves it to the sampler.
        rng: Where the noise comes from: `cpu`, or `nv` (also `gpu`), what an NVIDIA card draws.
        sampler: A sampler by A1111's name.
        schedule: A schedule type by A1111's name.
        width: In pixels, a multiple of 8; None takes the model's own.
        height: Likewise.
        clip_skip: Which layer of the text encoder counts, from the end.
        emphasis: `original` or `no norm`; None takes what suits the model.
        grammar: How prompts are read: `default`, or `a1111` with its quirks.
        model: The model's name.
        styles: Names in the styles files of models.toml, applied to prompt and negative in this order.
        hires: A second pass over the enlarged picture (hires fix); None is none.
        preset: Sampler, schedule, steps and cfg of a kind of model or LoRA distilled for few steps, for what is not
            said here.
    """

    prompt: str
    _: KW_ONLY
    negative: str | None = None
    loras: tuple[LoraUse, ...] = ()
    seed: int | None = None
    subseed: int | None = None
    subseed_strength: float | None = None
    steps: int | None = None
    cfg: float | None = None
    cfg_rescale: float | None = None
    eta: float | None = None
    rng: str | None = None
    sampler: str | None = None
    schedule: str | None = None
    width: int | None = None
    height: int | None = None
    clip_skip: int | None = None
    emphasis: str | None = None
    grammar: str | None = None
    model: str | None = None
    styles: tuple[str, ...] = ()
    hires: Hires | None = None
    preset: str | None = None

    def __post_init__(self) -> None:
        """Refuse values of the wrong type; take lists and tables where tuples are meant."""
        check_fields(self)
        object.__setattr__(self, "loras", mix_of(self.loras))
        styles = listed(self.styles)
        if not all(isinstance(style, str) for style in styles):
            raise wrong_type("RenderRequest", "styles", self.styles, "a list of names", 'styles=["cinematic"]')
        object.__setattr__(self, "styles", styles)
        hires: object = self.hires
        if not isinstance(hires, Hires | None):
            raise wrong_type("RenderRequest", "hires", hires, "a second pass", "hires=Hires(scale=2)")

    def over(self, defaults: RenderRequest) -> RenderRequest:
        """Return this request with its gaps filled from `defaults` (prompt, mix and styles are never filled)."""
        gaps = {
            f.name: getattr(defaults, f.name)
            for f in fields(self)
            if f.name not in {"prompt", "loras", "styles"} and getattr(self, f.name) is None
        }
        return replace(self, **gaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A request with every gap filled: what is rendered, and what the record says.

    `eta` alone may stay open: not every sampler takes one. Without a variation there is no subseed.
    """

    prompt: str
    negative: str
    loras: tuple[LoraUse, ...]
    seed: int
    steps: int
    cfg: float
    sampler: str
    schedule: str
    width: int
    height: int
    clip_skip: int
    model: str
    emphasis: str = "original"
    grammar: str = "default"
    subseed: int | None = None
    subseed_strength: float = 0.0
    cfg_rescale: float = 0.0
    eta: float | None = None
    rng: str = "cpu"
    hires: HiresSettings | None = None

    def __post_init__(self) -> None:
        """Refuse impossible values, each with what is possible."""
        _whole("steps", self.steps, 1, MAX_STEPS)
        _whole("seed", self.seed, 0, MAX_SEED)
        _whole("clip skip", self.clip_skip, 1, 12)
        _within("cfg", self.cfg, 0.0, 100.0)
        _within("cfg rescale", self.cfg_rescale, 0.0, 1.0)
        _within("subseed strength", self.subseed_strength, 0.0, 1.0)
        if self.subseed is not None:
            _whole("subseed", self.subseed, 0, MAX_SEED)
        if self.eta is not None:
            _within("eta", self.eta, 0.0, MAX_ETA)
        for what, text in (("prompt", self.prompt), ("negative prompt", self.negative)):
            _check_text(what, text)
        for use in self.loras:
            check_strength(use)
        _check_size("", self.width, self.height)
        if self.hires is not None:
            _check_hires(self.hires)

    def request(self) -> RenderRequest:
        """Return the request that asks for exactly this; its styles stand in the prompt already."""
        values = {f.name: getattr(self, f.name) for f in fields(Settings)}
        return RenderRequest(**values | {"hires": self.hires.request() if self.hires else None})


def _within(what: str, value: float, low: float, high: float) -> None:
    if not isinstance(value, (int, float)):
        raise RequestError(f"{what} {value!r} is not a number", remedy=f"Use a value from {low} to {high}.")
    if not low <= value <= high:
        raise RequestError(f"{what} {value} is out of range", remedy=f"Use a value from {low} to {high}.")


def _whole(what: str, value: int, low: int, high: int) -> None:
    if not isinstance(value, int):
        raise RequestError(f"{what} {value!r} is not a whole number", remedy=f"Use a value from {low} to {high}.")
    _within(what, value, low, high)


def _check_size(what: str, width: int, height: int) -> None:
    for side, value in ((f"{what}width", width), (f"{what}height", height)):
        _whole(side, value, 8, MAX_SIDE)
        if value % 8:
            raise RequestError(
                f"{side} {value} is not a multiple of 8",
                remedy=f"Use {value // 8 * 8 or 8} or {value // 8 * 8 + 8}.",
            )


def _check_hires(hires: HiresSettings) -> None:
    _check_size("hires ", hires.width, hires.height)
    _whole("hires steps", hires.steps, 1, MAX_STEPS)
    _within("hires cfg", hires.cfg, 0.0, 100.0)
    _within("hires denoise", hires.denoise, 0.0, 1.0)
    if hires.steps > MAX_STEPS * hires.denoise:
        raise RequestError(
            f"{hires.steps} hires steps at a denoise of {hires.denoise:g} are the end of a course of too many steps",
            remedy=f"Use {hires.steps / MAX_STEPS:g} or more for the denoise, or fewer steps.",
        )
    for what, text in (("hires prompt", hires.prompt), ("hires negative prompt", hires.negative)):
        if text is not None:
            _check_text(what, text)


def _check_text(what: str, text: str) -> None:
    if not isinstance(text, str):
        raise RequestError(f"the {what} is {type(text).__name__}, not text", remedy="Give it as a string.")
    try:
        text.encode()
        if len(text) > MAX_LETTERS:
            raise RequestError(
                f"the {what} has {len(text):,} characters",
                remedy=f"{MAX_LETTERS:,} are the most that are rendered; was a whole file pasted?",
            )
    except UnicodeEncodeError as error:
        raise RequestError(
            f"the {what} holds half a character at {error.start}",
            remedy="Write it again; it was cut or decoded wrongly.",
        ) from error
