"""Where things were before: import paths of 0.1 keep working for one release, each with a warning that says the new one."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import MappingProxyType, ModuleType

MODULES: Mapping[str, str] = MappingProxyType(
    {
        "lora_mixer.apply.branch": "lora_mixer.blend.branch",
        "lora_mixer.apply.calibration": "lora_mixer.blend.calibration",
        "lora_mixer.apply.costs": "lora_mixer.blend.costs",
        "lora_mixer.apply.kept": "lora_mixer.blend.merged_cache",
        "lora_mixer.apply.knobs": "lora_mixer.blend.block_scales",
        "lora_mixer.apply.masks": "lora_mixer.blend.masks",
        "lora_mixer.apply.merge": "lora_mixer.blend.merge",
        "lora_mixer.apply.operators": "lora_mixer.blend.layer_ops",
        "lora_mixer.apply.overlap": "lora_mixer.blend.overlap",
        "lora_mixer.apply.plan": "lora_mixer.blend.plan",
        "lora_mixer.apply.products": "lora_mixer.blend.low_rank_kernel",
        "lora_mixer.apply.side": "lora_mixer.blend.side",
        "lora_mixer.apply.stack": "lora_mixer.blend.stack",
        "lora_mixer.apply.strength": "lora_mixer.blend.strength",
        "lora_mixer.bake.checkpoint_file": "lora_mixer.export.checkpoint_file",
        "lora_mixer.bake.folder": "lora_mixer.export.folder",
        "lora_mixer.bake.ldm_names": "lora_mixer.export.ldm_names",
        "lora_mixer.bake.lora_file": "lora_mixer.export.lora_file",
        "lora_mixer.bake.mix": "lora_mixer.export.mix",
        "lora_mixer.bake.report": "lora_mixer.export.report",
        "lora_mixer.bake.spelling": "lora_mixer.export.spelling",
        "lora_mixer.bake.writing": "lora_mixer.export.writing",
        "lora_mixer.batch.answering": "lora_mixer.workers.worker",
        "lora_mixer.batch.arrange": "lora_mixer.runs.regroup",
        "lora_mixer.batch.aside": "lora_mixer.ledger.aside",
        "lora_mixer.batch.axes": "lora_mixer.promptfile.axes",
        "lora_mixer.batch.begin": "lora_mixer.runs.begin",
        "lora_mixer.batch.check": "lora_mixer.runs.check",
        "lora_mixer.batch.crew": "lora_mixer.workers.executor",
        "lora_mixer.batch.digest": "lora_mixer.ledger.digest",
        "lora_mixer.batch.dispatch": "lora_mixer.workers.dispatch",
        "lora_mixer.batch.estimate": "lora_mixer.runs.estimate",
        "lora_mixer.batch.expand": "lora_mixer.promptfile.expand",
        "lora_mixer.batch.facts": "lora_mixer.runs.facts",
        "lora_mixer.batch.failure": "lora_mixer.ledger.failure",
        "lora_mixer.batch.folders": "lora_mixer.ledger.folders",
        "lora_mixer.batch.grow": "lora_mixer.ledger.grow",
        "lora_mixer.batch.in_process": "lora_mixer.workers.inline",
        "lora_mixer.batch.ledger": "lora_mixer.ledger.ledger",
        "lora_mixer.batch.ledger_writer": "lora_mixer.ledger.writer",
        "lora_mixer.batch.lock": "lora_mixer.ledger.lock",
        "lora_mixer.batch.mix_file": "lora_mixer.promptfile.mix_file",
        "lora_mixer.batch.order": "lora_mixer.runs.batching",
        "lora_mixer.batch.outputs": "lora_mixer.runs.outputs",
        "lora_mixer.batch.overrides": "lora_mixer.promptfile.overrides",
        "lora_mixer.batch.place": "lora_mixer.store.folder",
        "lora_mixer.batch.plan": "lora_mixer.promptfile.plan",
        "lora_mixer.batch.promptfile": "lora_mixer.promptfile.reading",
        "lora_mixer.batch.promptfile_draft": "lora_mixer.promptfile.parsed",
        "lora_mixer.batch.promptfile_lines": "lora_mixer.promptfile.lines",
        "lora_mixer.batch.promptfile_parts": "lora_mixer.promptfile.parts",
        "lora_mixer.batch.promptfile_schema": "lora_mixer.promptfile.schema",
        "lora_mixer.batch.promptfile_tables": "lora_mixer.promptfile.tables",
        "lora_mixer.batch.promptfile_toml": "lora_mixer.promptfile.toml",
        "lora_mixer.batch.ranges": "lora_mixer.promptfile.ranges",
        "lora_mixer.batch.ray_workers": "lora_mixer.workers.ray",
        "lora_mixer.batch.renderer": "lora_mixer.workers.renderer",
        "lora_mixer.batch.requests": "lora_mixer.promptfile.from_requests",
        "lora_mixer.batch.run": "lora_mixer.runs.run",
        "lora_mixer.batch.seal": "lora_mixer.ledger.seal",
        "lora_mixer.batch.settle": "lora_mixer.runs.resolve_plan",
        "lora_mixer.batch.sources": "lora_mixer.promptfile.sources",
        "lora_mixer.batch.stored": "lora_mixer.ledger.plan_file",
        "lora_mixer.batch.sweep": "lora_mixer.promptfile.sweep",
        "lora_mixer.batch.whereabouts": "lora_mixer.runs.whereabouts",
        "lora_mixer.batch.witness": "lora_mixer.workers.witness",
        "lora_mixer.batch.workers": "lora_mixer.workers.processes",
        "lora_mixer.keys.foreign": "lora_mixer.families.recognised",
        "lora_mixer.keys.ldm": "lora_mixer.families.unet",
        "lora_mixer.models.attention": "lora_mixer.kernels.attention",
        "lora_mixer.models.deferring": "lora_mixer.libraries.deferring",
        "lora_mixer.models.heap": "lora_mixer.kernels.heap",
        "lora_mixer.models.layout": "lora_mixer.kernels.layout",
        "lora_mixer.models.libraries": "lora_mixer.libraries.classes",
        "lora_mixer.models.memory": "lora_mixer.kernels.memory",
        "lora_mixer.models.norms": "lora_mixer.kernels.norms",
        "lora_mixer.models.packing": "lora_mixer.kernels.packing",
        "lora_mixer.models.timing": "lora_mixer.kernels.timing",
        "lora_mixer.models.tuning": "lora_mixer.kernels.tuning",
        "lora_mixer.models.unneeded": "lora_mixer.libraries.unneeded",
    }
)
"""A module of 0.1 -> where it is."""

NAMES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "lora_mixer.adapters": {
            "Operator": "lora_mixer.adapters.LayerOp",
            "recognise": "lora_mixer.adapters.detect",
        },
        "lora_mixer.apply": {
            "ApplyPlan": "lora_mixer.blend.ApplyPlan",
            "ENGINES": "lora_mixer.render_options.ENGINES",
            "MergeEngine": "lora_mixer.blend.MergeEngine",
            "Overlap": "lora_mixer.blend.Overlap",
            "Placed": "lora_mixer.blend.WeightedAdapter",
            "Render": "lora_mixer.blend.Render",
            "SideEngine": "lora_mixer.blend.SideEngine",
            "Stack": "lora_mixer.blend.Stack",
            "Term": "lora_mixer.blend.Term",
            "costs_of": "lora_mixer.blend.costs_of",
            "curve_at": "lora_mixer.blend.curve_at",
            "measure": "lora_mixer.blend.measure",
            "plan_for": "lora_mixer.blend.plan_for",
        },
        "lora_mixer.apply.kept": {
            "KeptWeights": "lora_mixer.blend.merged_cache.MergedCache",
        },
        "lora_mixer.apply.knobs": {
            "Knobs": "lora_mixer.blend.block_scales.BlockScales",
        },
        "lora_mixer.apply.products": {
            "ThinProducts": "lora_mixer.blend.low_rank_kernel.LowRankKernel",
        },
        "lora_mixer.apply.stack": {
            "Placed": "lora_mixer.blend.stack.WeightedAdapter",
        },
        "lora_mixer.bake": {
            "BakeReport": "lora_mixer.export.BakeReport",
            "Ingredient": "lora_mixer.export.Ingredient",
            "Mix": "lora_mixer.export.StaticMix",
            "OnModule": "lora_mixer.export.OnModule",
            "bake_checkpoint": "lora_mixer.export.bake_checkpoint",
            "bake_folder": "lora_mixer.export.bake_folder",
            "bake_lora": "lora_mixer.export.bake_lora",
            "require_static": "lora_mixer.export.require_static",
        },
        "lora_mixer.bake.mix": {
            "Mix": "lora_mixer.export.mix.StaticMix",
        },
        "lora_mixer.batch": {
            "Entry": "lora_mixer.ledger.LedgerEntry",
            "Job": "lora_mixer.promptfile.PlannedJob",
            "Ledger": "lora_mixer.ledger.Ledger",
            "Overrides": "lora_mixer.promptfile.Overrides",
            "PromptFile": "lora_mixer.promptfile.PromptFile",
            "SheetPlan": "lora_mixer.promptfile.SheetPlan",
            "describe": "lora_mixer.promptfile.describe",
            "estimate": "lora_mixer.runs.estimate",
            "mix_text": "lora_mixer.promptfile.mix_text",
            "order": "lora_mixer.runs.plan_batches",
            "outline": "lora_mixer.runs.outline",
            "parse_mix": "lora_mixer.promptfile.parse_mix",
            "read_mix": "lora_mixer.promptfile.read_mix",
            "read_options": "lora_mixer.promptfile.read_options",
            "read_prompt_file": "lora_mixer.promptfile.read_prompt_file",
        },
        "lora_mixer.batch.answering": {
            "Answering": "lora_mixer.workers.worker.Worker",
        },
        "lora_mixer.batch.arrange": {
            "arrange": "lora_mixer.runs.regroup.regroup",
        },
        "lora_mixer.batch.axes": {
            "Point": "lora_mixer.promptfile.axes.AxisValue",
        },
        "lora_mixer.batch.check": {
            name: f"lora_mixer.runs.check_setup.{name}"
            for name in ("NAMES", "check_folder", "check_model", "check_setup")
        },
        "lora_mixer.batch.crew": {
            "Answers": "lora_mixer.workers.executor.Resolution",
            "Crew": "lora_mixer.workers.executor.Executor",
            "Known": "lora_mixer.ledger.plan_file.StoredJob",
            "Lost": "lora_mixer.workers.executor.WorkerDied",
            "Questions": "lora_mixer.workers.executor.ResolveQuery",
            "Setup": "lora_mixer.workers.executor.MixerOptions",
            "Watch": "lora_mixer.workers.executor.Heartbeat",
        },
        "lora_mixer.batch.in_process": {
            "InProcess": "lora_mixer.workers.inline.InlineExecutor",
        },
        "lora_mixer.batch.ledger": {
            "Entry": "lora_mixer.ledger.ledger.LedgerEntry",
            "Lines": "lora_mixer.ledger.ledger.LedgerLines",
        },
        "lora_mixer.batch.order": {
            "order": "lora_mixer.runs.batching.plan_batches",
        },
        "lora_mixer.batch.plan": {
            "Job": "lora_mixer.promptfile.plan.PlannedJob",
            "Wish": "lora_mixer.promptfile.plan.PromptEntry",
        },
        "lora_mixer.batch.promptfile_draft": {
            "Draft": "lora_mixer.promptfile.parsed.ParsedFile",
        },
        "lora_mixer.batch.promptfile_parts": {
            "Table": "lora_mixer.promptfile.parts.StrictTable",
        },
        "lora_mixer.batch.promptfile_schema": {
            "JobTable": "lora_mixer.promptfile.schema.EntryTable",
            "Fields": "lora_mixer.promptfile.schema.FieldsTable",
        },
        "lora_mixer.batch.ray_workers": {
            "RayWorkers": "lora_mixer.workers.ray.RayExecutor",
        },
        "lora_mixer.batch.run": {
            "Standing": "lora_mixer.runs.run.RunProgress",
            "Switch": "lora_mixer.cancel.Cancel",
        },
        "lora_mixer.batch.settle": {
            "Settled": "lora_mixer.runs.resolve_plan.ResolvedPlan",
            "settle": "lora_mixer.runs.resolve_plan.resolve_plan",
        },
        "lora_mixer.batch.workers": {
            "LocalWorkers": "lora_mixer.workers.processes.ProcessExecutor",
        },
        "lora_mixer.conditioning": {
            "Encoded": "lora_mixer.conditioning.TextEmbeds",
            "equalise": "lora_mixer.conditioning.repeat_to_common_length",
        },
        "lora_mixer.mapping": {
            "Entry": "lora_mixer.mapping.TensorEntry",
        },
        "lora_mixer.models": {
            "Heard": "lora_mixer.kernels.TextKV",
            "Packed": "lora_mixer.kernels.Packed",
            "gains_as_matrix": "lora_mixer.kernels.benefits_from_packing",
            "laid_out": "lora_mixer.kernels.to_channels_last",
            "memory_at_hand": "lora_mixer.kernels.retain_heap",
            "multiplied": "lora_mixer.kernels.multiplied",
            "multiplied_and_added": "lora_mixer.kernels.multiplied_and_added",
            "packed_matrix": "lora_mixer.kernels.packed_matrix",
            "release_memory": "lora_mixer.kernels.release_memory",
            "shortest": "lora_mixer.kernels.shortest",
        },
        "lora_mixer.models.attention": {
            "Heard": "lora_mixer.kernels.attention.TextKV",
            "PiecewiseAttention": "lora_mixer.kernels.attention.ChunkedAttention",
        },
        "lora_mixer.models.heap": {
            "memory_at_hand": "lora_mixer.kernels.heap.retain_heap",
        },
        "lora_mixer.models.layout": {
            "laid_out": "lora_mixer.kernels.layout.to_channels_last",
        },
        "lora_mixer.models.packing": {
            "gains_as_matrix": "lora_mixer.kernels.packing.benefits_from_packing",
        },
        "lora_mixer.modules": {
            "Family": "lora_mixer.families.Family",
            "ModuleIndex": "lora_mixer.families.ModuleIndex",
        },
        "lora_mixer.pipeline": {
            "Desk": "lora_mixer.pipeline.LoadedModel",
            "Guide": "lora_mixer.pipeline.Condition",
            "Stretch": "lora_mixer.pipeline.Segment",
            "Texts": "lora_mixer.pipeline.TextCache",
            "Use": "lora_mixer.pipeline.AdapterUse",
        },
        "lora_mixer.sheet": {
            "Entry": "lora_mixer.sheet.IndexEntry",
        },
    }
)
"""A module of 0.1 -> its names that are elsewhere, or called something else."""


_ROOMS = frozenset({"lora_mixer.apply", "lora_mixer.bake", "lora_mixer.batch"})
"""Packages of 0.1 that are gone."""


class _Room(ModuleType):
    """A package of 0.1: a name of its own stays what it was when the module of the same name is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in NAMES[self.__name__]:
            super().__setattr__(name, value)


class _Finder(MetaPathFinder, Loader):
    """Finds modules of 0.1 that no file holds any more; asked only when every other finder has failed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return how a module of 0.1 is made, or None for any other."""
        del path, target
        if fullname not in MODULES and fullname not in _ROOMS:
            return None
        return ModuleSpec(fullname, self, is_package=fullname in _ROOMS)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return an empty package; None lets importlib make an empty module."""
        return _Room(spec.name) if spec.name in _ROOMS else None

    def exec_module(self, module: ModuleType) -> None:
        """Let the module find its names where they are now."""
        vars(module)["__getattr__"] = moved(module.__name__)


def moved(module: str) -> Callable[[str], object]:
    """Return the `__getattr__` of a module some of whose names are elsewhere.

    Args:
        module: The module's name.
    """

    def find(name: str) -> object:
        new = NAMES.get(module, {}).get(name)
        if new is None and module in MODULES and not name.startswith("__"):
            new = f"{MODULES[module]}.{name}"
        if new is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, leaf = new.rpartition(".")
        try:
            value: object = getattr(import_module(home), leaf)
        except AttributeError:
            raise AttributeError(f"module {module!r} has no attribute {name!r}") from None
        warnings.warn(
            f"{module}.{name} is {new} now; the old name works until the next release", DeprecationWarning, stacklevel=2
        )
        return value

    return find


def install() -> None:
    """Make the modules of 0.1 importable."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
