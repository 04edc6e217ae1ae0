"""What `render` and `sweep` can be told: how every picture is made, and how the run is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, cast

import typer

from lora_mixer.mixes import LoraUse
from lora_mixer.promptfile import Overrides, read_mix, read_options
from lora_mixer.settings import PICTURE
from lora_mixer.workers.executor import MixerOptions
from lora_mixer_app.cli.arguments import parse_size
from lora_mixer_app.cli.options import (
    AllowPartial,
    Apply,
    Device,
    Dtype,
    Engine,
    MergeCache,
    ModelsPath,
    Offload,
    RayAddress,
    Where,
)
from lora_mixer_app.cli.tables import OptionsOf


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions:
    """Settings of every picture; what is not said is left to the file."""

    values: Annotated[Mapping[str, object], OptionsOf(PICTURE)]
    size: Annotated[str | None, typer.Option("--size", help="WxH in pixels, for example 512x768.")] = None
    style: Annotated[
        list[str] | None, typer.Option("--style", help="A style of styles.csv for every picture; may be repeated.")
    ] = None
    mix: Annotated[
        list[Path] | None,
        typer.Option("--mix", help="A mix file of the desk, added to every picture; may be repeated."),
    ] = None
    models_path: ModelsPath = None

    @property
    def seed(self) -> int | None:
        """The seed of every picture, or the first of several."""
        return cast("int | None", self.values["seed"])

    def overrides(self, loras: tuple[LoraUse, ...] = (), *, seeded: bool = True) -> Overrides:
        """Return what these settings lay over every job.

        Args:
            loras: Adapters added to every picture, after those of the mix files.
            seeded: The seed is one of these settings.

        Raises:
            RequestError: A value is impossible; the option is in the text.
        """
        width, height = parse_size(self.size) if self.size else (None, None)
        seed = self.seed if seeded else None
        return Overrides(
            loras=(*(use for path in self.mix or () for use in read_mix(path)), *loras),
            styles=tuple(self.style or ()),
            fields=read_options(**{**self.values, "width": width, "height": height, "seed": seed}),
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
