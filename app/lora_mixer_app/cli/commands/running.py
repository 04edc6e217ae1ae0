"""Carry out plans: check them before a model is opened, render them into folders or a file, and report."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from lora_mixer.catalog import Library, ModelsFile, load_models_file
from lora_mixer.errors import CancelledError, LoraMixerError, PartialRunError, RequestError
from lora_mixer.images import FORMATS, make_folder
from lora_mixer.ledger import Ledger
from lora_mixer.ledger.failure import Failure
from lora_mixer.ledger.folders import last_folder, new_folder, next_folder
from lora_mixer.mixes import LoraUse
from lora_mixer.promptfile import PromptFile, describe
from lora_mixer.promptfile.sources import title_of
from lora_mixer.runs import estimate, outline
from lora_mixer.runs.check import JobCheck
from lora_mixer.runs.check_setup import check_folder, check_setup
from lora_mixer.runs.origin import keep_source
from lora_mixer.runs.run import RunOptions, RunResult, run
from lora_mixer.wording import counted
from lora_mixer.workers.executor import Executor, MixerOptions
from lora_mixer.workers.inline import InlineExecutor
from lora_mixer.workers.processes import ProcessExecutor
from lora_mixer.workers.ray import RayExecutor
from lora_mixer.workers.witness import witness_of
from lora_mixer_app.cli.commands.run_options import PictureOptions, RunFlags
from lora_mixer_app.cli.interrupt import cancel_on_interrupt
from lora_mixer_app.cli.options import Where
from lora_mixer_app.cli.output import Console
from lora_mixer_app.cli.reporting import Report
from lora_mixer_app.cli.single import deliver, free_name

if TYPE_CHECKING:
    from lora_mixer.mixer import BaseMixer


def carry_out(
    plans: Sequence[PromptFile],
    pictures: PictureOptions,
    flags: RunFlags,
    *,
    loras: tuple[LoraUse, ...] = (),
    named: Sequence[str] = (),
    own_seeds: bool = False,
) -> None:
    """Check plans, then render them one after the other, or print what would be rendered.

    Args:
        plans: What to render.
        pictures: Overrides for every job.
        flags: How.
        loras: Adapters of the command line, added to every picture.
        named: Adapters of the command line that the plans hold already.
        own_seeds: The plans were made for this command: their seeds stand, and each is written into its folder.

    Raises:
        LoraMixerError: See `lora_mixer.errors`; with several plans, the others are rendered first.
    """
    flags = flags.modern(Console(stderr=True).say)
    overrides = pictures.overrides(loras, seeded=not own_seeds)
    models_file = load_models_file(pictures.models_path)
    library = Library(models_file.lora_folders)
    for name in (*named, *(use.name for use in overrides.loras)):
        library.find(name)
    _check_address(flags)
    console = Console(highlight=False, soft_wrap=True)
    shared = _Shared(flags=flags, models_file=models_file, library=library, console=console, executors=Executors(flags))
    plans = [overrides.over(plan) for plan in plans]
    for model in dict.fromkeys(job.request.model for plan in plans for job in plan.jobs):
        if (family := models_file.family_of(model)) is not None:
            overrides.check(family)
    runs = [_Run(plan, pictures, shared, several=len(plans) > 1, written=own_seeds) for plan in plans]
    for one in runs:
        one.check()
    errors = [error for one in runs if (error := one.ended()) is not None]
    if (len(errors) in {0, 1} and len(runs) == 1) or len(errors) == len(runs):
        for error in errors:
            raise error
    for error in errors:
        console.print(f"error: {error}", style="red", markup=False)
    if errors:
        raise PartialRunError(
            f"{len(errors)} of {counted(len(runs), 'file')} did not finish",
            remedy="Mend what is listed above, then run the same command with --resume.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What all plans of a command have in common."""

    flags: RunFlags
    models_file: ModelsFile
    library: Library
    console: Console
    executors: Executors


class _Run:
    """One plan of a command."""

    def __init__(
        self,
        plan: PromptFile,
        pictures: PictureOptions,
        shared: _Shared,
        *,
        several: bool,
        written: bool,
    ) -> None:
        self._plan = plan
        self._shared = shared
        self._flags = shared.flags
        self._models_file = shared.models_file
        self._console = shared.console
        self._several = several
        self._written = written
        self._setup = shared.flags.setup(_model_of(plan), pictures.models_path)
        self._known: dict[int, Failure] = {}

    def check(self) -> None:
        """Report what cannot be made before anything is, and refuse hopeless plans.

        Raises:
            LoraMixerError: An option, the model or the folder is impossible; no job can be made, or with `--strict` one
                cannot.
        """
        flags, plan = self._flags, self._plan
        for problem in plan.problems:
            told = "skipped" if problem.skipped else "without effect"
            self._console.print(f"{told}: {plan.path}: {problem}", style="yellow", markup=False)
        check_setup(self._setup, self._models_file, here=flags.where is not Where.RAY)
        check_folder(self._folder(make=False) if self._file is None else self._file.parent)
        if self._file is not None and len(plan.jobs) > 1:
            raise RequestError(
                f"{self._file} is one picture's file, and {counted(len(plan.jobs), 'picture')} are asked for",
                where="--output",
                remedy="Name a folder.",
            )
        self._known = JobCheck(plan, self._models_file, self._shared.library).failures()
        if self._known and (flags.strict or len(self._known) == len(plan.jobs)):
            raise self._known[min(self._known)].raised()
        if flags.dry_run:
            for index in sorted(self._known):
                Report(self._console, len(plan.jobs)).failed(self._known[index])

    def ended(self) -> LoraMixerError | None:
        """Render the plan and return its error, if any; cancels and bugs are raised at once."""
        try:
            if self._flags.dry_run:
                self._describe()
            elif self._file is not None:
                self._single(self._file)
            else:
                folder = self._folder(make=True)
                if self._written:
                    keep_source(self._plan, folder)
                result = self._render(folder, self._options)
                self._tell(result)
                result.check()
        except CancelledError:
            raise
        except LoraMixerError as error:
            return error
        return None

    @property
    def _file(self) -> Path | None:
        """The picture's file that was asked for, if it is one."""
        output = self._flags.output
        return output if output and output.suffix.lower() in FORMATS and not output.is_dir() else None

    def _folder(self, *, make: bool) -> Path:
        """Return the run's folder: the one that is named, the last one to go on with, or a new one."""
        flags, name = self._flags, title_of(self._plan)
        if flags.output is not None:
            return flags.output / self._plan.path.stem if self._several else flags.output
        root = self._models_file.output
        if flags.resume:
            return last_folder(root, name)
        return new_folder(root, name) if make else next_folder(root, name)

    def _describe(self) -> None:
        for text in (
            describe(self._plan),
            outline(self._plan, batch=self._flags.batch),
            estimate(self._plan, self._folder(make=False), workers=self._flags.workers),
        ):
            self._console.print(text, markup=False)
        if self._known:
            raise PartialRunError(
                f"{len(self._known)} of {counted(len(self._plan.jobs), 'picture')} cannot be made",
                remedy="Mend what is listed above.",
            )

    def _single(self, file: Path) -> None:
        """Render one picture into a file of its own; one that is there gets another name, a folder that is not is made."""
        make_folder(file.absolute().parent)
        with TemporaryDirectory() as elsewhere:
            result = self._render(Path(elsewhere), replace(self._options, witness=None, sheet=False))
            if result.failures:
                raise result.failures[0].raised()
            moved = free_name(file)
            deliver(Ledger.read(Path(elsewhere)), file)
        if moved is not None:
            self._console.print(f"{file} was there and is now {moved}", style="yellow", markup=False)
        self._console.print(f"{file} ({result.seconds:.1f} s)", markup=False)

    @property
    def _options(self) -> RunOptions:
        flags = self._flags
        return RunOptions(
            batch=flags.batch,
            threads=flags.threads,
            anew=flags.resume is False,
            retry_failed=flags.retry_failed,
            strict=flags.strict,
            known=self._known,
            witness=lambda: witness_of(self._plan, self._setup, self._models_file),
        )

    def _render(self, folder: Path, options: RunOptions) -> RunResult:
        with cancel_on_interrupt() as cancel, Report(self._console, len(self._plan.jobs)) as report:
            return run(
                self._plan,
                folder,
                self._shared.executors.of(self._setup),
                options=options,
                on_progress=report.show,
                on_failure=report.failed,
                cancel=cancel,
                say=report.say,
            )

    def _tell(self, result: RunResult) -> None:
        """Print what was made and what was there already."""
        there = f", {result.found} {'was' if result.found == 1 else 'were'} there already" if result.found else ""
        made = counted(result.rendered, "picture")
        self._console.print(f"{made} in {result.seconds:.1f} s{there}: {result.manifest}", markup=False)
        for page in result.sheets:
            self._console.print(f"grid: {page}", markup=False)


class Executors:
    """Who renders; in this process, plans that open the model alike share it."""

    def __init__(self, flags: RunFlags) -> None:
        self._flags = flags
        self._here: dict[MixerOptions, InlineExecutor] = {}

    def of(self, setup: MixerOptions) -> Executor:
        """Return the executor of a run."""
        flags = self._flags
        if flags.where is Where.RAY:
            return RayExecutor(setup, flags.workers, address=flags.ray_address, cpus=flags.threads or 1)
        if flags.workers > 1:
            return ProcessExecutor(setup, flags.workers)
        if setup not in self._here:
            self._here = {setup: InlineExecutor(lambda: _opened(setup))}
        return self._here[setup]


def _opened(setup: MixerOptions) -> BaseMixer:
    from lora_mixer.workers.renderer import open_mixer

    gc.freeze()  # what has been imported stays for good
    return open_mixer(setup)


def _model_of(plan: PromptFile) -> str | None:
    """Return the model to open first; None is the default of models.toml, which pictures that name none must get."""
    asked = [job.request.model for job in plan.jobs]
    return None if None in asked else asked[0]


def _check_address(flags: RunFlags) -> None:
    """Refuse an address that would be ignored.

    Raises:
        RequestError: The executor is not Ray.
    """
    if flags.ray_address is not None and flags.where is not Where.RAY:
        raise RequestError(
            f"{flags.ray_address!r} is a Ray address, and the executor is {flags.where.value}",
            where="--ray-address",
            remedy="Add --executor ray, or leave the address out.",
        )
