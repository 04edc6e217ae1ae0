"""`lora-mixer inspect`: what a LoRA file is and where its tensors go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lora_mixer.errors import BrokenAdapterError
from lora_mixer.files import PICKLE_SUFFIXES, adapter_in, digest_file, open_tensor_file
from lora_mixer.forms import form_of
from lora_mixer.keys import count_scales, parse_adapter, tell_family
from lora_mixer_app.cli.arguments import parse_lora
from lora_mixer_app.cli.options import AllowPartial, AsJson, Device, Dtype, Model, ModelsPath
from lora_mixer_app.cli.output import Console, print_json

if TYPE_CHECKING:
    from lora_mixer.blend import Overlap
    from lora_mixer.keys import ParsedAdapter
    from lora_mixer.mapping import MappingReport

METADATA_SHOWN = (
    "modelspec.title",
    "modelspec.architecture",
    "modelspec.trigger_phrase",
    "ss_output_name",
    "ss_network_module",
    "ss_network_dim",
    "ss_network_alpha",
    "ss_base_model_version",
    "ss_sd_model_name",
    "ss_steps",
    "ss_resolution",
)
UNREAD_SHOWN = 5


def inspect(
    lora: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="A LoRA's name in the folders of models.toml, a file, or a folder that PEFT saved.",
        ),
    ],
    model: Model = None,
    models_path: ModelsPath = None,
    device: Device = "cpu",
    dtype: Dtype = None,
    *,
    allow_partial: AllowPartial = False,
    as_json: AsJson = False,
    overlap: Annotated[
        list[str] | None,
        typer.Option(
            "--overlap",
            help="Another LoRA, as NAME, FILE or either with =STRENGTH: print how much they have in common on the model "
            "and what their sum comes to; may be repeated.",
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option("--method", help="How the LoRAs of --overlap are blended: sum, ties, dare, with their numbers."),
    ] = "sum",
) -> None:
    """Say what a LoRA file is: kinds, ranks, metadata, trained words.

    With --model, also where every tensor goes and how far it moves the weights; with --overlap, how LoRAs combine.
    """
    file = _file(lora, models_path)
    name = str(file) if Path(lora).exists() else lora
    parsed = _parsed(file)
    facts = _facts(parsed, file)
    report = found = None
    others = _others(name, overlap or ())
    strengths = list(others.values())
    if model is not None or overlap:
        from lora_mixer import Mixer

        mixer = Mixer.open(model, models_file=models_path, device=device, dtype=dtype, allow_partial=allow_partial)
        report = mixer.inspect(name)
        found = mixer.overlap(others, method=method)
    if as_json:
        whole = facts
        whole |= {} if report is None else {"mapping": report.to_json()}
        whole |= {} if found is None else {"overlap": found.to_json(strengths)}
        print_json(whole)
    else:
        _print(facts, report, found, strengths)


def _print(
    facts: dict[str, object], report: MappingReport | None, found: Overlap | None, strengths: Sequence[float]
) -> None:
    console = Console()
    for line in _lines(facts):
        console.say(line)
    if report is not None:
        for line in ("", *report.sentences(), "", *report.table().split("\n")):
            console.say(line)
    if found is not None:
        lines = found.table(), found.sum_sentence(strengths), *found.warnings(strengths)
        for line in ("", *"\n".join(lines).split("\n")):
            console.say(line)


def _file(lora: str, models_path: Path | None) -> Path:
    """Return the file of a LoRA: the one of that path, or of that name in the folders.

    Raises:
        UnknownAdapterError: Neither exists.
    """
    path = Path(lora)
    if path.is_dir():
        return adapter_in(path) or path
    if path.is_file() or path.suffix.lower() in (*PICKLE_SUFFIXES, ".safetensors"):
        return path
    from lora_mixer.catalog import Library, load_models_file

    return Library(load_models_file(models_path).lora_folders).find(lora).path


def _others(lora: str, named: Sequence[str]) -> dict[str, float]:
    """Return the adapters to compare by name, each with its strength; the one inspected comes first, at 1."""
    uses = [parse_lora(text if "=" in text else f"{text}=1") for text in named]
    return {lora: 1.0} | {use.name: use.strength.denoiser for use in uses}


def _parsed(file: Path) -> ParsedAdapter:
    if file.suffix.lower() not in PICKLE_SUFFIXES:
        return parse_adapter(open_tensor_file(file))
    from lora_mixer.mapping import open_adapter  # torch reads these, and only these need it

    return open_adapter(file)[0]


def _facts(parsed: ParsedAdapter, file: Path) -> dict[str, object]:
    digests = digest_file(file)
    shapes = {key: info.shape for key, info in parsed.file.tensors.items()}
    return {
        "file": str(file),
        "bytes": parsed.file.size,
        "sha256": digests.sha256,
        "autov2": digests.autov2,
        "autov3": digests.autov3,
        "made for": tell_family(parsed).sentence().removeprefix("made for "),
        "schemes": sorted({group.scheme.name for group in parsed.groups if group.scheme}),
        "groups": len(parsed.groups),
        "kinds": _kinds(parsed, shapes),
        "ranks": sorted({shapes[group.slots["down"]][0] for group in parsed.groups if "down" in group.slots}),
        "scales": [count.words() for count in count_scales(parsed.groups, parsed.settings, parsed.file)],
        "remarks": list(parsed.remarks),
        "refused": _refusal(parsed),
        "embeddings": sorted(parsed.embeddings),
        "unread": {entry.key: entry.reason for entry in parsed.unread},
        "metadata": {key: value for key, value in parsed.file.metadata.items() if key in METADATA_SHOWN},
        "trained words": _words(file),
    }


def _kinds(parsed: ParsedAdapter, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for group in parsed.groups:
        try:
            counts[form_of({slot: shapes[key] for slot, key in group.slots.items()}).title] += 1
        except BrokenAdapterError:
            counts["unknown"] += 1
    return dict(counts.most_common())


def _refusal(parsed: ParsedAdapter) -> str | None:
    return None if parsed.refused is None else f"{parsed.refused.title}: it cannot be applied. {parsed.refused.remedy}"


def _words(file: Path) -> list[str]:
    from lora_mixer.catalog import Library

    return list(Library([file.parent]).find(file).trained_words)


def _lines(facts: dict[str, object]) -> Iterator[str]:
    for name, value in facts.items():
        if name in {"remarks", "refused"} and not value:
            continue
        if isinstance(value, dict):
            shown = list(value.items())
            yield f"{name}: {len(shown)}" if name == "unread" else f"{name}:"
            yield from (f"  {key}: {text}" for key, text in (shown[:UNREAD_SHOWN] if name == "unread" else shown))
        else:
            yield f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
