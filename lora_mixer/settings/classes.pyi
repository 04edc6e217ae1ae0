"""Requests and their filled-in forms. Written by `python -m lora_mixer.settings` from the tables of settings."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import TypedDict

from PIL.Image import Image

from lora_mixer.inputs import InputPicture
from lora_mixer.mixes import Loras, LoraUse
from lora_mixer.regions import Region
from lora_mixer.settings.making import Asked, Filled

@dataclass(frozen=True, slots=True)
class Hires(Asked):
    """A second pass over the enlarged picture, of a scale or a size; what is left out is as in the first."""

    scale: float | None = None
    """How many times as wide and high the picture becomes."""
    _: KW_ONLY
    width: int | None = None
    """Its width in pixels; with one side the other follows, with both a picture of another shape is cut."""
    height: int | None = None
    """Its height in pixels."""
    upscaler: str | None = None
    """How it is enlarged: `Latent` ones enlarge the latents, the others the decoded picture; a file of an upscalers
    folder is named as A1111 does, or by its name."""
    steps: int | None = None
    """Steps that are taken, whatever the denoise; 0 takes as many as the first pass."""
    denoise: float | None = None
    """How much of the picture is drawn anew; latent upscalers want 0.5 or more."""
    sampler: str | None = None
    """Its sampler; the first pass's if left out."""
    schedule: str | None = None
    """Its schedule; the first pass's if left out, where the sampler takes that."""
    cfg: float | None = None
    """How strongly its prompt guides; as in the first pass if left out."""
    prompt: str | None = None
    """Its prompt, with LoRA tags of its own; the first pass's if left out."""
    negative: str | None = None
    """Its negative prompt; the first pass's if left out."""

@dataclass(frozen=True, slots=True, kw_only=True)
class HiresSettings(Filled):
    """A second pass with every gap filled; width and height follow from the scale, if one was asked for."""

    scale: float | None
    """How many times as wide and high the picture becomes."""
    width: int
    """Its width in pixels; with one side the other follows, with both a picture of another shape is cut."""
    height: int
    """Its height in pixels."""
    upscaler: str
    """How it is enlarged: `Latent` ones enlarge the latents, the others the decoded picture; a file of an upscalers
    folder is named as A1111 does, or by its name."""
    steps: int
    """Steps that are taken, whatever the denoise; 0 takes as many as the first pass."""
    denoise: float
    """How much of the picture is drawn anew; latent upscalers want 0.5 or more."""
    sampler: str
    """Its sampler; the first pass's if left out."""
    schedule: str
    """Its schedule; the first pass's if left out, where the sampler takes that."""
    cfg: float
    """How strongly its prompt guides; as in the first pass if left out."""
    prompt: str | None = None
    """Its prompt, with LoRA tags of its own; the first pass's if left out."""
    negative: str | None = None
    """Its negative prompt; the first pass's if left out."""
    def request(self) -> Hires: ...

@dataclass(frozen=True, slots=True)
class RenderRequest(Asked):
    """One picture that is asked for. Everything but the prompt may be left to the defaults."""

    prompt: str
    """What to draw, in the prompt language: emphasis, schedules and LoRA tags count."""
    _: KW_ONLY
    negative: str | None = None
    """What to steer away from."""
    loras: tuple[LoraUse, ...] = ()
    """The mix, in addition to the LoRA tags in the prompt."""
    method: str | None = None
    """How the LoRAs of the mix are blended, with its numbers: sum, ties, ties:density=0.3."""
    regions: tuple[Region, ...] = ()
    """Parts of the picture with a prompt, a negative prompt and LoRAs of their own."""
    balance: str | None = None
    """Scale strengths so that LoRAs together change no more than one of them: mix (one factor), block (a factor a
    block), off."""
    places: str | None = None
    """Where LoRAs act: as given, or found by their trained words in the prompt (auto), each in its place. Source:
    FreeFuse, arXiv:2510.23515."""
    seed: int | None = None
    """What the noise is drawn from; -1 draws one."""
    subseed: int | None = None
    """The seed of a variation, whose noise is blended into the starting noise; -1 draws one."""
    subseed_strength: float | None = None
    """How far to go towards the variation; 0 is not at all."""
    steps: int | None = None
    """Sampling steps."""
    cfg: float | None = None
    """Guidance scale: how strongly the prompt guides; 1 is the prompt alone."""
    cfg_rescale: float | None = None
    """How far guidance is brought back to the contrast of the prompt's own prediction; v-prediction models with zero
    terminal SNR want about 0.7. Source: phi of Lin et al. 2023, arXiv:2305.08891, section 3.4."""
    eta: float | None = None
    """How much noise DDIM and ancestral samplers add, as a share of what their methods say; left out, the sampler
    decides."""
    rng: str | None = None
    """Where noise comes from; nv is what an NVIDIA card draws."""
    sampler: str | None = None
    """The sampler, by A1111's name."""
    schedule: str | None = None
    """The schedule type, by A1111's name."""
    width: int | None = None
    """The picture's width in pixels."""
    height: int | None = None
    """The picture's height in pixels."""
    init: InputPicture | None = None
    """A picture to start from, with noise on it (image to image); without a size, it says the size."""
    mask: InputPicture | None = None
    """What of that picture is drawn anew (inpainting): white is, black and transparent are kept."""
    denoise: float | None = None
    """How much of the init picture is drawn anew: that share of the steps is taken; 0.75 if left out."""
    resize_mode: str | None = None
    """How the init picture is brought to the size."""
    mask_blur: int | None = None
    """How softly what is drawn anew goes over into what is kept."""
    mask_mode: str | None = None
    """Whether what the mask covers is drawn anew, or all else."""
    masked_content: str | None = None
    """What lies under the mask before noise is put on it."""
    inpaint_area: str | None = None
    """Whether the whole picture is drawn at the size, or only the part around the mask, which is put back."""
    inpaint_padding: int | None = None
    """How many pixels around the mask belong to that part."""
    clip_skip: int | None = None
    """Which layer of the text encoder counts, from the end."""
    emphasis: str | None = None
    """How weights of words act; left out, as suits the model."""
    grammar: str | None = None
    """How prompts are read: a1111 keeps that program's quirks."""
    model: str | None = None
    """The model: a name in models.toml, a .safetensors file, a diffusers folder or a hub id."""
    styles: tuple[str, ...] = ()
    """Styles of styles.csv, applied to prompt and negative prompt in this order."""
    hires: Hires | None = None
    """A second pass over the enlarged picture (hires fix): 2 (times), 1024x1536, or with more said, '2; denoise=0.4;
    steps=10; upscaler=Lanczos; sampler=...; schedule=...; cfg=...'."""
    upscale: float | None = None
    """How many times as wide and high the finished picture becomes, without a second pass; 1 leaves it as it is."""
    upscaler: str | None = None
    """How it is enlarged: by a file of an upscalers folder, by the model's own network, or Lanczos."""
    preset: str | None = None
    """Sampler, schedule, steps and cfg for models and LoRAs distilled for few steps, for what is not said here."""

@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Filled):
    """A request with every gap filled: what is rendered, and what the record says."""

    prompt: str
    """What to draw, in the prompt language: emphasis, schedules and LoRA tags count."""
    negative: str
    """What to steer away from."""
    loras: tuple[LoraUse, ...]
    """The mix, in addition to the LoRA tags in the prompt."""
    method: str = "sum"
    """How the LoRAs of the mix are blended, with its numbers: sum, ties, ties:density=0.3."""
    regions: tuple[Region, ...] = ()
    """Parts of the picture with a prompt, a negative prompt and LoRAs of their own."""
    balance: str = "off"
    """Scale strengths so that LoRAs together change no more than one of them: mix (one factor), block (a factor a
    block), off."""
    places: str = "given"
    """Where LoRAs act: as given, or found by their trained words in the prompt (auto), each in its place. Source:
    FreeFuse, arXiv:2510.23515."""
    seed: int
    """What the noise is drawn from; -1 draws one."""
    subseed: int | None = None
    """The seed of a variation, whose noise is blended into the starting noise; -1 draws one."""
    subseed_strength: float = 0.0
    """How far to go towards the variation; 0 is not at all."""
    steps: int
    """Sampling steps."""
    cfg: float
    """Guidance scale: how strongly the prompt guides; 1 is the prompt alone."""
    cfg_rescale: float = 0.0
    """How far guidance is brought back to the contrast of the prompt's own prediction; v-prediction models with zero
    terminal SNR want about 0.7. Source: phi of Lin et al. 2023, arXiv:2305.08891, section 3.4."""
    eta: float | None = None
    """How much noise DDIM and ancestral samplers add, as a share of what their methods say; left out, the sampler
    decides."""
    rng: str = "cpu"
    """Where noise comes from; nv is what an NVIDIA card draws."""
    sampler: str
    """The sampler, by A1111's name."""
    schedule: str
    """The schedule type, by A1111's name."""
    width: int
    """The picture's width in pixels."""
    height: int
    """The picture's height in pixels."""
    init: InputPicture | None = None
    """A picture to start from, with noise on it (image to image); without a size, it says the size."""
    mask: InputPicture | None = None
    """What of that picture is drawn anew (inpainting): white is, black and transparent are kept."""
    denoise: float | None = None
    """How much of the init picture is drawn anew: that share of the steps is taken; 0.75 if left out."""
    resize_mode: str | None = None
    """How the init picture is brought to the size."""
    mask_blur: int | None = None
    """How softly what is drawn anew goes over into what is kept."""
    mask_mode: str | None = None
    """Whether what the mask covers is drawn anew, or all else."""
    masked_content: str | None = None
    """What lies under the mask before noise is put on it."""
    inpaint_area: str | None = None
    """Whether the whole picture is drawn at the size, or only the part around the mask, which is put back."""
    inpaint_padding: int | None = None
    """How many pixels around the mask belong to that part."""
    clip_skip: int
    """Which layer of the text encoder counts, from the end."""
    emphasis: str = "original"
    """How weights of words act; left out, as suits the model."""
    grammar: str = "default"
    """How prompts are read: a1111 keeps that program's quirks."""
    model: str
    """The model: a name in models.toml, a .safetensors file, a diffusers folder or a hub id."""
    hires: HiresSettings | None = None
    """A second pass over the enlarged picture (hires fix): 2 (times), 1024x1536, or with more said, '2; denoise=0.4;
    steps=10; upscaler=Lanczos; sampler=...; schedule=...; cfg=...'."""
    upscale: float = 1.0
    """How many times as wide and high the finished picture becomes, without a second pass; 1 leaves it as it is."""
    upscaler: str | None = None
    """How it is enlarged: by a file of an upscalers folder, by the model's own network, or Lanczos."""
    def request(self) -> RenderRequest: ...

class RequestOptions(TypedDict, total=False):
    """Fields of `RenderRequest`, as keyword arguments."""

    negative: str | None
    loras: Loras
    method: str | None
    regions: Sequence[Region]
    balance: str | None
    places: str | None
    seed: int | None
    subseed: int | None
    subseed_strength: float | None
    steps: int | None
    cfg: float | None
    cfg_rescale: float | None
    eta: float | None
    rng: str | None
    sampler: str | None
    schedule: str | None
    width: int | None
    height: int | None
    init: InputPicture | Path | str | bytes | Image | None
    mask: InputPicture | Path | str | bytes | Image | None
    denoise: float | None
    resize_mode: str | None
    mask_blur: int | None
    mask_mode: str | None
    masked_content: str | None
    inpaint_area: str | None
    inpaint_padding: int | None
    clip_skip: int | None
    emphasis: str | None
    grammar: str | None
    model: str | None
    styles: Sequence[str]
    hires: Hires | None
    upscale: float | None
    upscaler: str | None
    preset: str | None
