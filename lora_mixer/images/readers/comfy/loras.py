"""The LoRAs a node names, and those of a stack: names and strengths as far as they can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lora_mixer.images.readers.comfy.graph import Node
from lora_mixer.images.readers.comfy.row import LoraInputs, NodeRow
from lora_mixer.images.readers.comfy.texts import text_of
from lora_mixer.images.readers.comfy.trace import Tracer
from lora_mixer.images.readers.draft import stem
from lora_mixer.images.readers.jsons import list_of, table_of

MAX_LORAS = 100
COUNTS = ("lora_count", "num_loras")
NONE = frozenset({"", "None", "none", "CHOOSE"})
TAG = re.compile(r"<lora:([^<>:]{1,200})(?::([-+.\d]{0,20}))?(?::([-+.\d]{0,20}))?(?::[^<>]{0,200})?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NamedLora:
    """A LoRA as a node names it; strengths are values as they stand."""

    key: tuple[str, int]
    name: str
    denoiser: object
    text: object


def loras_of(tracer: Tracer, node: Node, row: NodeRow) -> Iterator[NamedLora]:
    """Yield the LoRAs that a node loads, those of its stack after its own."""
    if row.loras is not None:
        yield from _own(tracer, node, row.loras)
    if row.stack and node.link(row.stack):
        for stop in tracer.trace(node.link(row.stack), "stack"):
            if stop.row.loras is not None:
                yield from _own(tracer, stop.node, stop.row.loras)


def _own(tracer: Tracer, node: Node, loras: LoraInputs) -> Iterator[NamedLora]:
    read = {"power": _power, "manager": _manager, "tags": _tags}.get(loras.how, _fields)
    for index, (name, denoiser, text) in enumerate(read(tracer, node, loras)):
        if index >= MAX_LORAS:
            tracer.draft.unknown(f"more than {MAX_LORAS} LoRAs of one node")
            return
        if isinstance(name, str) and name not in NONE and stem(name):
            yield NamedLora((node.id, index), name, denoiser, text)
        elif not isinstance(name, str):
            tracer.draft.unknown("the name of a LoRA", name)


def _fields(tracer: Tracer, node: Node, loras: LoraInputs) -> Iterator[tuple[object, object, object]]:
    denoiser, text = loras.denoiser, loras.text
    if loras.modes is not None:
        mode = tracer.literal(node.inputs.get(loras.modes[0]))
        if mode not in loras.modes[1]:
            tracer.draft.unknown("the mode of a stack of LoRAs,", mode)
            return
        denoiser, text = loras.modes[1][str(mode)]
    count = next((tracer.literal(node.inputs[name]) for name in COUNTS if name in node.inputs), MAX_LORAS)
    last = count if isinstance(count, int) and "{i}" in loras.name else MAX_LORAS
    for number in range(1, min(last, MAX_LORAS) + 1) if "{i}" in loras.name else (0,):
        index = f"{number:0{loras.digits}}"
        given = {part: name.replace("{i}", index) for part, name in (("n", loras.name), ("u", denoiser), ("t", text))}
        if given["n"] not in node.inputs:
            continue
        switch = loras.switch.replace("{i}", index)
        if switch and tracer.literal(node.inputs.get(switch)) not in loras.on:
            continue
        strength = tracer.literal(node.inputs.get(given["u"]))
        clip = 0.0 if text == "0" else strength if not text else tracer.literal(node.inputs.get(given["t"]))
        yield tracer.literal(node.inputs[given["n"]]), strength, clip


def _power(tracer: Tracer, node: Node, _loras: LoraInputs) -> Iterator[tuple[object, object, object]]:
    """Read rgthree's: `lora_1: {on, lora, strength, strengthTwo}`."""
    for key, value in node.inputs.items():
        entry = table_of(value)
        if key.lower().startswith("lora_") and entry.get("on") is True and "lora" in entry:
            strength = tracer.literal(entry.get("strength"))
            second = entry.get("strengthTwo")
            yield entry["lora"], strength, strength if second is None else second


def _manager(tracer: Tracer, node: Node, _loras: LoraInputs) -> Iterator[tuple[object, object, object]]:
    """Read LoRA Manager's: a list of {name, strength, clipStrength, active}, or tags in a text."""
    listed = node.inputs.get("loras")
    items = list_of(table_of(listed).get("__value__", listed))
    for entry in map(table_of, items):
        if entry.get("active", True):
            yield entry.get("name"), entry.get("strength"), entry.get("clipStrength", entry.get("strength"))
    if not items:
        yield from _tags(tracer, node, LoraInputs(name="lora_syntax" if "lora_syntax" in node.inputs else "text"))


def _tags(tracer: Tracer, node: Node, loras: LoraInputs) -> Iterator[tuple[object, object, object]]:
    text = text_of(tracer, node.inputs.get(loras.name)) or ""
    for name, denoiser, clip in TAG.findall(text):
        strength = denoiser or "1"
        yield name, strength, clip or strength
