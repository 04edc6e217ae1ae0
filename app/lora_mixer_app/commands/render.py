"""`lora-mixer render`: a prompt file in, pictures, manifest and labelled grid out."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lora_mixer.batch import (
    Overrides,
    PromptFile,
    describe,
    estimate,
    outline,
    read_mix,
    read_options,
    read_prompt_file,
)
from lora_mixer.batch.crew import Crew, Setup
from lora_mixer.batch.in_process import InProcess
from lora_mixer.batch.ray_workers import RayWorkers
from lora_mixer.batch.run import RunOptions, RunResult, Standing, Switch, run
from lora_mixer.batch.workers import LocalWorkers
from lora_mixer.catalog import Library, SameAdapter, load_models_file
from lora_mixer.errors import CancelledError, RequestError
from lora_mixer_app.arguments import parse_lora, parse_size
from lora_mixer_app.options import (
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
from lora_mixer_app.output import Console

if TYPE_CHECKING:
    from lora_mixer.mixer import BaseMixer


def render(
    file: Annotated[Path, typer.Argument(help="A prompt file: .toml with jobs and axes, or .txt, one prompt a line.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for pictures, manifest and grid.")] = Path(
        "out"
    ),
    model: Model = None,
    models_path: ModelsPath = None,
    lora: Annotated[
        list[str] | None, typer.Option("--lora", help="NAME=STRENGTH, added to every picture; may be repeated.")
    ] = None,
    mix: Annotated[
        list[Path] | None,
        typer.Option("--mix", help="A mix file of the desk, added to every picture; may be repeated."),
    ] = None,
    style: Annotated[
        list[str] | None, typer.Option("--style", help="A style of styles.csv for every picture; may be repeated.")
    ] = None,
    negative: Annotated[str | None, typer.Option("--negative", help="Negative prompt for every picture.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Sampling steps for every picture.")] = None,
    cfg: Annotated[float | None, typer.Option("--cfg", help="Guidance scale for every picture.")] = None,
    sampler: Annotated[
        str | None, typer.Option("--sampler", help="Sampler for every picture, by A1111's name.")
    ] = None,
    schedule: Annotated[
        str | None, typer.Option("--schedule", help="Schedule type for every picture, by A1111's name.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option("--preset", help="Sampler, steps and cfg for few-step LoRAs: lcm, lightning, hyper, turbo, tcd."),
    ] = None,
    clip_skip: Annotated[
        int | None, typer.Option("--clip-skip", help="Which layer of the text encoder counts, from the end.")
    ] = None,
    hires: Annotated[
        str | None,
        typer.Option(
            "--hires",
            help="A second pass at a larger size: 2 (times), 1024x1536, or with more said, '2; denoise=0.4; steps=10; "
            "upscaler=Lanczos; sampler=...; schedule=...; cfg=...'.",
        ),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", help="Seed for every picture; -1 draws one.")] = None,
    subseed: Annotated[
        int | None, typer.Option("--subseed", help="Seed of a variation for every picture; -1 draws one.")
    ] = None,
    subseed_strength: Annotated[
        float | None, typer.Option("--subseed-strength", help="How far towards the variation, 0 to 1.")
    ] = None,
    eta: Annotated[
        float | None, typer.Option("--eta", help="How much noise DDIM and ancestral samplers add; 1 is all of it.")
    ] = None,
    rng: Annotated[
        str | None, typer.Option("--rng", help="Where noise comes from: cpu, or nv (gpu), what an NVIDIA card draws.")
    ] = None,
    cfg_rescale: Annotated[
        float | None, typer.Option("--cfg-rescale", help="Bring guidance back to the prompt's contrast, 0 to 1.")
    ] = None,
    size: Annotated[str | None, typer.Option("--size", help="WxH in pixels, for example 512x768.")] = None,
    batch: Annotated[int, typer.Option("--batch", min=1, max=256, help="Pictures rendered at once.")] = 4,
    apply: Apply = "auto",
    grammar: Annotated[
        str | None, typer.Option("--grammar", help="How prompts are read: default, or a1111 with its quirks.")
    ] = None,
    device: Device = None,
    dtype: Dtype = None,
    offload: Offload = "auto",
    merge_cache_mb: MergeCache = None,
    *,
    allow_partial: AllowPartial = False,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Stop at the first line that cannot be read, or picture that cannot be made."),
    ] = False,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--force", help="Go on with what the folder holds, or remove its pictures and start anew."
        ),
    ] = True,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try the pictures again that failed in an earlier run.")
    ] = False,
    workers: Annotated[
        int, typer.Option("--workers", min=1, max=256, help="Processes that render, each with the model open.")
    ] = 1,
    engine: Engine = Where.LOCAL,
    ray_address: RayAddress = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, help="CPU threads of each worker; kept for the whole run.")
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Print the pictures that would be made and how long it would take, and stop."),
    ] = False,
) -> None:
    """Render a prompt file into pictures, a manifest and a labelled grid."""
    same = SameAdapter(lambda: Library(load_models_file(models_path).lora_folders))
    plan = read_prompt_file(file, strict=strict, same=same)
    width, height = parse_size(size) if size else (None, None)
    overrides = Overrides(
        loras=(
            *(use for path in mix or () for use in read_mix(path)),
            *(parse_lora(text) for text in lora or ()),
        ),
        styles=tuple(style or ()),
        fields=read_options(
            negative=negative,
            steps=steps,
            cfg=cfg,
            sampler=sampler,
            schedule=schedule,
            preset=preset,
            clip_skip=clip_skip,
            hires=hires,
            seed=seed,
            subseed=subseed,
            subseed_strength=subseed_strength,
            eta=eta,
            rng=rng,
            cfg_rescale=cfg_rescale,
            width=width,
            height=height,
            grammar=grammar,
            model=model,
        ),
    )
    plan = overrides.over(plan)
    _check_loras(overrides, models_path)
    _check_address(engine, ray_address)
    console = Console(highlight=False, soft_wrap=True)
    for problem in plan.problems:
        console.print(f"{'skipped' if problem.skipped else 'without effect'}: {problem}", style="yellow", markup=False)
    if dry_run:
        console.print(describe(plan), markup=False)
        console.print(outline(plan, batch=batch), markup=False)
        console.print(estimate(plan, output, workers=workers), markup=False)
        return
    setup = Setup(
        model=_model_of(plan),
        models_file=models_path,
        device=device,
        dtype=dtype,
        allow_partial=allow_partial,
        engine=apply,
        offload=offload,
        merge_cache_mb=merge_cache_mb,
    )
    options = RunOptions(batch=batch, threads=threads, anew=not resume, retry_failed=retry_failed, strict=strict)
    with _cancel_on_interrupt() as cancel:
        result = _render(plan, output, console, _crew(setup, engine, workers, ray_address, threads), options, cancel)
    _tell(result, console)
    result.check()


def _check_loras(overrides: Overrides, models_path: Path | None) -> None:
    """Find the LoRAs of the command line, so that a wrong name is told before a model is opened.

    Raises:
        AdapterError: There is none of that name; the nearest are in the text.
    """
    if overrides.loras:
        library = Library(load_models_file(models_path).lora_folders)
        for use in overrides.loras:
            library.find(use.name)


def _check_address(engine: Where, ray_address: str | None) -> None:
    """Refuse an address that nothing would be done with.

    Raises:
        RequestError: The engine is not Ray.
    """
    if ray_address is not None and engine is not Where.RAY:
        raise RequestError(
            f"{ray_address!r} is an address of Ray, and the engine is {engine.value}",
            where="--ray-address",
            remedy="Add --engine ray, or leave the address out.",
        )


def _model_of(plan: PromptFile) -> str | None:
    """Return the model to open first; None is the default of models.toml, which pictures that name none must get."""
    asked = [job.request.model for job in plan.jobs]
    return None if None in asked else asked[0]


def _crew(setup: Setup, engine: Where, workers: int, ray_address: str | None, threads: int | None) -> Crew:
    if engine is Where.RAY:
        return RayWorkers(setup, workers, address=ray_address, cpus=threads or 1)
    if workers > 1:
        return LocalWorkers(setup, workers)

    def opening() -> BaseMixer:
        from lora_mixer.batch.renderer import open_mixer

        return open_mixer(setup)

    return InProcess(opening)


def _render(
    plan: PromptFile, output: Path, console: Console, crew: Crew, options: RunOptions, cancel: Switch
) -> RunResult:
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console
    )
    with bar:
        task = bar.add_task("opening the model", total=len(plan.jobs))

        def show(standing: Standing) -> None:
            bar.update(task, completed=standing.fraction * standing.total, description="rendering")

        return run(
            plan,
            output,
            crew,
            options=options,
            cancel=cancel,
            on_progress=show,
            say=lambda sentence: console.print(sentence, style="yellow", markup=False),
        )


def _tell(result: RunResult, console: Console) -> None:
    """Print what was made, what was there, what failed and why."""
    for failure in result.failures:
        console.print(f"failed: {failure.index:04}  {failure.raised()}", style="yellow", markup=False)
    there = f", {result.found} were there already" if result.found else ""
    console.print(f"{result.rendered} pictures in {result.seconds:.1f} s{there}: {result.manifest}", markup=False)
    for page in result.sheets:
        console.print(f"grid: {page}", markup=False)


class _Interrupt:
    """Pressed by Ctrl+C; needs no torch, unlike `lora_mixer.Cancel`."""

    def __init__(self) -> None:
        self.pressed = False

    def check(self) -> None:
        if self.pressed:
            raise CancelledError("cancelled", remedy="Pictures that are finished are kept; run it again to go on.")


@contextmanager
def _cancel_on_interrupt() -> Iterator[_Interrupt]:
    """Turn the first Ctrl+C into a cancel that keeps what is finished; a second one kills as usual."""
    cancel = _Interrupt()

    def pressed(_signal: int, _frame: object) -> None:
        cancel.pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, pressed)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
