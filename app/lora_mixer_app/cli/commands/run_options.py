"""Options of `render` and `sweep`: settings of every picture, and of the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Self, cast

import typer

from lora_mixer.choices import SUM
from lora_mixer.errors import RequestError
from lora_mixer.mixes import LoraUse, Mix
from lora_mixer.promptfile import Overrides, read_mix_file, read_options
from lora_mixer.settings import PICTURE
from lora_mixer.workers.executor import MixerOptions
from lora_mixer_app.cli.arguments import parse_size
from lora_mixer_app.cli.options import (
    AllowPartial,
    Device,
    Dtype,
    Engine,
    Executor,
    MergeCache,
    ModelsPath,
    Offload,
    OldApply,
    RayAddress,
    Where,
)
from lora_mixer_app.cli.tables import OptionsOf


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOptions:
    """Settings of every picture; unset ones are left to the prompt file."""

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
        """Return the overrides for every job.

        Args:
            loras: Adapters added to every picture, after those of the mix files.
            seeded: Whether the seed is one of these settings.

        Raises:
            RequestError: A value is impossible; the option is in the text.
        """
        width, height = parse_size(self.size) if self.size else (None, None)
        seed = self.seed if seeded else None
        files = [read_mix_file(path) for path in self.mix or ()]
        mixes = [file.mix for file in files]
        method = self.values["method"] or _one_method(mixes)
        return Overrides(
            loras=(*(use for mix in mixes for use in mix.uses), *loras),
            regions=tuple(region for file in files for region in file.regions),
            styles=tuple(self.style or ()),
            fields=read_options(**{**self.values, "width": width, "height": height, "seed": seed, "method": method}),
        )


def _one_method(mixes: Sequence[Mix]) -> str | None:
    """Return the method that mix files name; the sum leaves it to the prompt file.

    Raises:
        RequestError: Two of them name two.
    """
    methods = sorted({mix.method for mix in mixes} - {SUM.row.name})
    if len(methods) > 1:
        raise RequestError(
            f"the mixes are blended by {' and by '.join(methods)}",
            where="--mix",
            remedy="Say one with --method.",
        )
    return methods[0] if methods else None


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
    engine: Engine = "auto"
    apply: OldApply = None
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
    executor: Executor = None
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

    def modern(self, say: Callable[[str], None]) -> Self:
        """Return these flags with the spellings of 0.1, `--apply` and `--engine local|ray`, read as today's.

        Args:
            say: Told the new spelling of each old one.

        Raises:
            RequestError: The old and the new spelling contradict each other.
        """
        flags = self
        if self.engine in (places := [where.value for where in Where]):
            say(f"--engine {self.engine} is --executor {self.engine} now; --engine says how mixes are applied")
            flags = replace(flags, executor=Where(self.engine), engine="auto")
            if self.executor not in {None, flags.executor}:
                raise _contradiction(f"--engine {self.engine}", f"--executor {self.where.value}", places)
        if self.apply is not None:
            say(f"--apply {self.apply} is --engine {self.apply} now")
            if flags.engine not in {"auto", self.apply}:
                raise _contradiction(f"--apply {self.apply}", f"--engine {flags.engine}", [self.apply, flags.engine])
            flags = replace(flags, engine=self.apply, apply=None)
        return flags

    @property
    def where(self) -> Where:
        """Where the workers are: on this machine, unless somebody says otherwise."""
        return self.executor or Where.LOCAL

    def setup(self, model: str | None, models_path: Path | None) -> MixerOptions:
        """Return the worker's options for `Mixer.open`."""
        return MixerOptions(
            model=model,
            models_file=models_path,
            device=self.device,
            dtype=self.dtype,
            allow_partial=self.allow_partial,
            engine=self.engine,
            offload=self.offload,
            merge_cache_mb=self.merge_cache_mb,
        )


def _contradiction(old: str, new: str, values: Sequence[str]) -> RequestError:
    option = new.partition(" ")[0]
    return RequestError(
        f"{old} and {new} contradict each other", where=option, remedy=f"Use {option} once: {' or '.join(values)}."
    )
