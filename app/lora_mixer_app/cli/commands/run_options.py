"""What `render` and `sweep` can be told: how every picture is made, and how the run is done."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from lora_mixer.mixes import LoraUse
from lora_mixer.promptfile import Overrides, read_mix, read_options
from lora_mixer.workers.executor import MixerOptions
from lora_mixer_app.cli.arguments import parse_size
from lora_mixer_app.cli.options import (
    AllowPartial,
    Apply,
    Device,
    Dtype,
    Engine,
    MergeCache,
    Model,
    ModelsPath,
    Offload,
    RayAddress,
    Where,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions:
    """Settings of every picture; what is not said is left to the file."""

    model: Model = None
    models_path: ModelsPath = None
    mix: Annotated[
        list[Path] | None,
        typer.Option("--mix", help="A mix file of the desk, added to every picture; may be repeated."),
    ] = None
    style: Annotated[
        list[str] | None, typer.Option("--style", help="A style of styles.csv for every picture; may be repeated.")
    ] = None
    negative: Annotated[str | None, typer.Option("--negative", help="Negative prompt for every picture.")] = None
    steps: Annotated[int | None, typer.Option("--steps", help="Sampling steps for every picture.")] = None
    cfg: Annotated[float | None, typer.Option("--cfg", help="Guidance scale for every picture.")] = None
    sampler: Annotated[str | None, typer.Option("--sampler", help="Sampler for every picture, by A1111's name.")] = None
    schedule: Annotated[
        str | None, typer.Option("--schedule", help="Schedule type for every picture, by A1111's name.")
    ] = None
    preset: Annotated[
        str | None,
        typer.Option("--preset", help="Sampler, steps and cfg for few-step LoRAs: lcm, lightning, hyper, turbo, tcd."),
    ] = None
    clip_skip: Annotated[
        int | None, typer.Option("--clip-skip", help="Which layer of the text encoder counts, from the end.")
    ] = None
    hires: Annotated[
        str | None,
        typer.Option(
            "--hires",
            help="A second pass at a larger size: 2 (times), 1024x1536, or with more said, '2; denoise=0.4; steps=10; "
            "upscaler=Lanczos; sampler=...; schedule=...; cfg=...'.",
        ),
    ] = None
    seed: Annotated[
        int | None,
        typer.Option("--seed", help="Seed for every picture (of several seeds the first); -1 draws one."),
    ] = None
    subseed: Annotated[
        int | None, typer.Option("--subseed", help="Seed of a variation for every picture; -1 draws one.")
    ] = None
    subseed_strength: Annotated[
        float | None, typer.Option("--subseed-strength", help="How far towards the variation, 0 to 1.")
    ] = None
    eta: Annotated[
        float | None, typer.Option("--eta", help="How much noise DDIM and ancestral samplers add; 1 is all of it.")
    ] = None
    rng: Annotated[
        str | None, typer.Option("--rng", help="Where noise comes from: cpu, or nv (gpu), what an NVIDIA card draws.")
    ] = None
    cfg_rescale: Annotated[
        float | None, typer.Option("--cfg-rescale", help="Bring guidance back to the prompt's contrast, 0 to 1.")
    ] = None
    size: Annotated[str | None, typer.Option("--size", help="WxH in pixels, for example 512x768.")] = None
    emphasis: Annotated[
        str | None, typer.Option("--emphasis", help="How weights of words act: original, no norm or ignore.")
    ] = None
    grammar: Annotated[
        str | None, typer.Option("--grammar", help="How prompts are read: default, or a1111 with its quirks.")
    ] = None

    def overrides(self, loras: tuple[LoraUse, ...] = (), *, seeded: bool = True) -> Overrides:
        """Return what these settings lay over every job.

        Args:
            loras: Adapters added to every picture, after those of the mix files.
            seeded: The seed is one of these settings.

        Raises:
            RequestError: A value is impossible; the option is in the text.
        """
        width, height = parse_size(self.size) if self.size else (None, None)
        names = ("negative", "steps", "cfg", "sampler", "schedule", "preset", "clip_skip", "hires", "subseed")
        more = ("subseed_strength", "eta", "rng", "cfg_rescale", "emphasis", "grammar", "model")
        values = {name: getattr(self, name) for name in (*names, *more)}
        return Overrides(
            loras=(*(use for path in self.mix or () for use in read_mix(path)), *loras),
            styles=tuple(self.style or ()),
            fields=read_options(**values, width=width, height=height, seed=self.seed if seeded else None),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags:
    """How a run is done."""

    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Folder for pictures, manifest and grid; for a single picture also its file, such as heart.png. "
            "Default: a new numbered folder in `out`.",
        ),
    ] = None
    batch: Annotated[
        int, typer.Option("--batch", min=1, max=256, help="Pictures rendered at once, each with a mix of its own.")
    ] = 4
    apply: Apply = "auto"
    device: Device = None
    dtype: Dtype = None
    offload: Offload = "auto"
    merge_cache_mb: MergeCache = None
    allow_partial: AllowPartial = False
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Stop at the first line that cannot be read, or picture that cannot be made."),
    ] = False
    resume: Annotated[
        bool | None,
        typer.Option(
            "--resume/--force",
            help="Go on with the last folder of that name (a folder that --output names is always gone on with), or "
            "make every picture anew; what was there is moved aside.",
            show_default=False,
        ),
    ] = None
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try the pictures again that failed in an earlier run.")
    ] = False
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=256, help="Processes that render, each with the model open.")
    ] = 1
    engine: Engine = Where.LOCAL
    ray_address: RayAddress = None
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads of each worker; kept for the whole run.")
    ] = None
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Check everything, print the pictures that would be made and how long it would take, stop.",
        ),
    ] = False

    def setup(self, model: str | None, models_path: Path | None) -> MixerOptions:
        """Return how a worker opens its model."""
        return MixerOptions(
            model=model,
            models_file=models_path,
            device=self.device,
            dtype=self.dtype,
            allow_partial=self.allow_partial,
            engine=self.apply,
            offload=self.offload,
            merge_cache_mb=self.merge_cache_mb,
        )
