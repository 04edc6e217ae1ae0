"""`lora-mixer train`: a LoRA from a folder of pictures."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lora_mixer.errors import RequestError
from lora_mixer.wording import counted
from lora_mixer_app.cli.options import Device, Model, ModelsPath
from lora_mixer_app.cli.output import Console
from lora_mixer_app.cli.tables import with_tables

if TYPE_CHECKING:
    from lora_mixer.trainer import StepReport, TrainSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningOptions:
    """The settings of a training that have options of their own; None leaves one to the file, then to its default."""

    steps: Annotated[int | None, typer.Option("--steps", help="Optimizer steps. Default: 1000.")] = None
    batch: Annotated[int | None, typer.Option("--batch", help="Pictures a step. Default: 4.")] = None
    rank: Annotated[int | None, typer.Option("--rank", help="Default: 16.")] = None
    alpha: Annotated[float | None, typer.Option("--alpha", help="The scale is alpha / rank. Default: the rank.")] = None
    kind: Annotated[str | None, typer.Option("--kind", help="lora, loha or lokr. Default: lora.")] = None
    conv_rank: Annotated[
        int | None, typer.Option("--conv-rank", help="Rank of convolutions (LoCon); 0, the default, leaves them alone.")
    ] = None
    rate: Annotated[float | None, typer.Option("--rate", help="Learning rate. Default: 1e-4.")] = None
    text_rate: Annotated[
        float | None, typer.Option("--text-rate", help="That of the text encoders, which are left alone without it.")
    ] = None
    resolution: Annotated[
        int | None, typer.Option("--resolution", help="Side of a square picture in pixels. Default: the model's own.")
    ] = None
    trigger: Annotated[str | None, typer.Option("--trigger", help="A word put first in captions that lack it.")] = None
    optimizer: Annotated[
        str | None,
        typer.Option("--optimizer", help="adamw, adamw8bit, adafactor, sgd, prodigy or schedulefree. Default: adamw."),
    ] = None
    seed: Annotated[int | None, typer.Option("--seed", help="Of everything random. Default: 0.")] = None
    precision: Annotated[
        str | None, typer.Option("--precision", help="float32, bfloat16 or float16. Default: float32.")
    ] = None
    save_every: Annotated[
        int | None, typer.Option("--save-every", help="Write a file of its own after so many steps.")
    ] = None
    dora: Annotated[bool, typer.Option("--dora", help="Learn magnitudes as well (DoRA).")] = False

    def given(self) -> dict[str, object]:
        """Return the settings that were said, by name."""
        said = {option.name: getattr(self, option.name) for option in fields(self)}
        return {name: value for name, value in said.items() if value is not None and value is not False}


@dataclass(frozen=True, slots=True, kw_only=True)
class SliderOptions:
    """A slider instead of pictures."""

    slider: Annotated[
        tuple[str, str] | None,
        typer.Option(
            "--slider", metavar="POSITIVE NEGATIVE", help="Learn a slider between two prompts; no pictures are needed."
        ),
    ] = None
    subject: Annotated[str, typer.Option("--subject", help="What both prompts of a slider are about.")] = ""
    keep: Annotated[
        list[str] | None, typer.Option("--keep", help="Words a slider shall leave as they are; may be repeated.")
    ] = None

    def given(self) -> dict[str, object]:
        """Return the setting that was said, by name."""
        if self.slider is None:
            return {}
        return {
            "slider": {
                "positive": self.slider[0],
                "negative": self.slider[1],
                "subject": self.subject,
                "keep": tuple(self.keep or ()),
            }
        }


@with_tables
def train(
    output: Annotated[Path, typer.Option("--output", "-o", help="The .safetensors file to write.")],
    learning: LearningOptions,
    between: SliderOptions,
    folder: Annotated[
        Path | None,
        typer.Argument(
            help="Pictures with captions in .txt beside them, or folders of them like 10_name. A slider needs none."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="A TOML file of settings; options lie over it.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any other setting as NAME=VALUE, for example min_snr_gamma=5; may be repeated."),
    ] = None,
    regularisation: Annotated[
        Path | None, typer.Option("--regularisation", help="A folder of pictures that keep what the model knew.")
    ] = None,
    sample: Annotated[
        list[str] | None,
        typer.Option(
            "--sample", help="A prompt that is painted after every epoch at strengths 0, 0.5 and 1; repeatable."
        ),
    ] = None,
    model: Model = None,
    models_path: ModelsPath = None,
    device: Device = None,
    *,
    anew: Annotated[bool, typer.Option("--anew", help="Begin again, whatever an earlier training left.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check pictures and settings, and say what would be done.")
    ] = False,
) -> None:
    """Train a LoRA on a folder of pictures; the same command goes on after any end."""
    from lora_mixer.trainer import TrainSettings

    settings = TrainSettings() if config is None else TrainSettings.read(config)
    settings = settings.over(
        learning.given() | between.given() | _parsed(setting or ()) | _sampled(settings, sample or ())
    )
    console = Console()
    _check(console, folder, output, settings, regularisation, tell_left_out=dry_run)
    if dry_run:
        return
    _train(console, folder, output, settings, regularisation, anew=anew, model=model, models=models_path, device=device)


def _check(
    console: Console,
    folder: Path | None,
    output: Path,
    settings: TrainSettings,
    regularisation: Path | None,
    *,
    tell_left_out: bool,
) -> None:
    """Check what can be checked before the model is opened, and say what would be done."""
    from lora_mixer.trainer import check, check_output

    steps = f"{counted(settings.steps, 'step')} of {settings.batch * settings.accumulate}"
    if settings.slider is not None:
        if folder is not None or regularisation is not None:
            raise RequestError(
                "a slider is learned from two prompts, not from pictures", remedy="Leave the folder out."
            )
        settings.slider.check()
        check_output(output)
        console.say(f"a slider from {settings.slider.negative!r} to {settings.slider.positive!r}; {steps}")
        return
    if folder is None:
        raise RequestError(
            "there is nothing to learn from", remedy='Name a folder of pictures, or --slider "POSITIVE" "NEGATIVE".'
        )
    data = check(folder, output, settings, regularisation=regularisation)
    captions = sum(bool(example.caption) for example in data.examples)
    shown = f"{counted(len(data.examples), 'picture')}, {captions} with a caption, {data.shown} an epoch"
    console.say(f"{shown}; {steps}")
    for path, why in data.left_out.items() if tell_left_out else ():
        console.say(f"left out: {path}: {why}", style="yellow")


def _train(
    console: Console,
    folder: Path | None,
    output: Path,
    settings: TrainSettings,
    regularisation: Path | None,
    *,
    anew: bool,
    model: str | None,
    models: Path | None,
    device: str | None,
) -> None:
    from lora_mixer import Mixer
    from lora_mixer.trainer import Watch, own_device, train_slider
    from lora_mixer.trainer import train as run

    mixer = Mixer.open(model, models_file=models, device=device or own_device(), dtype=settings.precision)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        pictures = bar.add_task("encoding", total=None)
        steps = bar.add_task("training", total=settings.steps, visible=False)
        quiet = not console.is_terminal

        def step(report: StepReport) -> None:
            bar.update(pictures, visible=False)
            said = f"epoch {report.epoch}, loss {report.loss:.4f}"
            bar.update(steps, completed=report.step, visible=True, description=said)
            if quiet and (report.step % max(settings.steps // 20, 1) == 0 or report.step == report.of):
                console.say(f"training: {report.step} of {report.of}, {said}")

        watch = Watch(
            on_picture=lambda done, of: bar.update(pictures, completed=done, total=of),
            on_step=step,
            on_saved=lambda path, at: console.say(f"saved at step {at}: {path}"),
            on_samples=lambda path, at: console.say(f"samples of step {at}: {path}"),
            say=console.say,
        )
        if folder is None:
            result = train_slider(mixer, output, settings, anew=anew, watch=watch)
        else:
            result = run(mixer, folder, output, settings, regularisation=regularisation, anew=anew, watch=watch)
    console.say(
        f"{result.path}: {counted(result.layers, 'layer')}, {counted(result.steps, 'step')}, loss {result.loss:.4f}"
    )


def _sampled(settings: TrainSettings, prompts: Iterable[str]) -> dict[str, Any]:
    """Return the settings of samples with prompts in the place of the file's."""
    from lora_mixer.trainer import SampleSettings

    asked = tuple(prompts)
    if not asked:
        return {}
    kept = settings.samples
    return {"samples": SampleSettings(prompts=asked) if kept is None else replace(kept, prompts=asked)}


def _parsed(texts: Iterable[str]) -> dict[str, Any]:
    """Return settings given as NAME=VALUE, values as in TOML, a bare word as text."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise RequestError(f"--set {text!r} has no value", remedy="Write it like min_snr_gamma=5.")
        try:
            found[name.strip()] = tomllib.loads(f"x = {value}")["x"]
        except tomllib.TOMLDecodeError:
            found[name.strip()] = value
    return found
