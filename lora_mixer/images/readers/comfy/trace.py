"""Following links upstream: what a link carries, through which nodes, and the values at its end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType

from lora_mixer.images.budget import Budget
from lora_mixer.images.readers.comfy.graph import Graph, Link, Node, link_of
from lora_mixer.images.readers.comfy.row import NodeRow
from lora_mixer.images.readers.comfy.rows import ROWS
from lora_mixer.images.readers.draft import RequestDraft, shown, whole

ACROSS = {"image": "latent", "latent": "image"}
"""What a decoder or an encoder turns one into."""
TEXTS = frozenset({"positive", "negative"})
KNOWN = frozenset({"model", "clip", "positive", "negative", "latent", "image", "stack", "sigmas", "guider"})
GUESSES = MappingProxyType(
    {
        "model": ("model",),
        "clip": ("clip",),
        "latent": ("samples", "latent", "latent_image"),
        "image": ("image", "images", "pixels"),
        "sigmas": ("sigmas",),
        "stack": ("lora_stack",),
    }
)
"""Role -> the inputs that an unknown node is taken to pass on."""
SAMPLED = ("steps", "cfg", "sampler_name", "scheduler", "positive", "negative", "model")
LITERALS = frozenset(
    {
        "value",
        "seed",
        "noise_seed",
        "int",
        "float",
        "number",
        "integer",
        "text",
        "string",
        "prompt",
        "steps",
        "cfg",
        "width",
    }
    | {"height", "Value", "Number", "val", "input"}
)
"""The inputs that a node of one value only may have, to be taken for that value."""
SIDES = ("width", "height")
ON = frozenset({"On", True, "true"})
_SIZE = re.compile(r"(?<!\d)(\d{2,5})\s*[x\u00d7]\s*(\d{2,5})(?!\d)")
_FILE = re.compile(r".\.(?:safetensors|pt|ckpt)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stop:
    """A node that a link comes through, and the role it has there."""

    node: Node
    row: NodeRow
    role: str
    known: bool


@dataclass(frozen=True, slots=True)
class Tracer:
    """A graph that is followed within a budget; what is not understood is noted in the draft."""

    graph: Graph
    budget: Budget
    draft: RequestDraft

    def trace(self, link: Link | None, role: str) -> Iterator[Stop]:
        """Yield the nodes that a link comes through, nearest first."""
        seen: set[tuple[Link, str]] = set()
        while link is not None and (link, role) not in seen and self.budget.node():
            seen.add((link, role))
            node = self.graph.at(link)
            if node is None:
                return
            row = ROWS.get(node.kind)
            known, row = row is not None, row or self._guess(node, link.slot, role)
            here = _role_at(row, link.slot, role)
            yield Stop(node, row, here, known)
            link, role = self._onward(node, row, here, role)

    def _onward(self, node: Node, row: NodeRow, here: str, role: str) -> tuple[Link | None, str]:
        if row.switch:
            return self._chosen(node, row.switch), role
        role = here if here in KNOWN else role
        name = row.passes.get(here, row.stack if here == "stack" else "")
        if not name and ACROSS.get(here) in row.passes:
            role = ACROSS[here]
            name = row.passes[role]
        link = node.link(name) if name else None
        return (node.link(row.pipe) if link is None and row.pipe else link), role

    def _chosen(self, node: Node, switch: str) -> Link | None:
        stem, braces, _ = switch.partition("{")
        if braces:
            number = self.literal(node.inputs.get(switch[len(stem) + 1 : -1]))
            return node.link(f"{stem}{number}") if isinstance(number, int) and 0 <= number < 1000 else None
        stem = switch.removesuffix("*")
        named = sorted(name for name in node.inputs if name.startswith(stem)) if switch.endswith("*") else [switch]
        return next((link for link in map(node.link, named) if link is not None), None)

    def _guess(self, node: Node, slot: int, role: str) -> NodeRow:
        """Return what a node of an unknown class is taken for, by the names of its inputs."""
        row = self._guessed(node, slot, role)
        files = [value for value in node.inputs.values() if isinstance(value, str) and _FILE.search(value[-80:])]
        if role in {"model", "clip"} and files:
            self.draft.unknown(f"node {shown(node.kind)}, which may load", ", ".join(files))
        elif row.texts or row.sampler:
            self.draft.note(f"the node {shown(node.kind)} is not known here; it was read by the names of its inputs")
        else:
            self.draft.unknown(f"node {shown(node.kind)} on the way of the {role}")
        return row

    def _guessed(self, node: Node, slot: int, role: str) -> NodeRow:
        inputs = node.inputs
        if role in ACROSS and all(name in inputs for name in SAMPLED) and node.link("latent_image"):
            seed = next((name for name in ("seed", "noise_seed") if name in inputs), "")
            plain = {name: name for name in ("model", "positive", "negative", "steps", "cfg", "scheduler", "denoise")}
            given = {k: v for k, v in plain.items() if v in inputs}
            return NodeRow(sampler={**given, "seed": seed, "sampler": "sampler_name", "latent": "latent_image"})
        if role in TEXTS:
            return _guessed_text(node, slot, role)
        name = next((name for name in GUESSES.get(role, ()) if node.link(name)), "")
        if not name and role == "image" and node.link("samples"):
            return NodeRow(passes={"latent": "samples"})
        return NodeRow(passes={role: name}) if name else NodeRow()

    def literal(self, value: object) -> object:
        """Return the value at the end of a link, or the value itself; None if it is not understood."""
        seen: set[Link] = set()
        while (link := link_of(value)) is not None:
            node = self.graph.at(link)
            if node is None or link in seen or not self.budget.node():
                return None
            seen.add(link)
            value = self._value_of(node, link.slot)
            if value is None:
                self.draft.unknown(f"the value of node {shown(node.kind)}")
        return value

    def _value_of(self, node: Node, slot: int) -> object:
        row = ROWS.get(node.kind)
        if row is None:
            (name, value), *more = [*node.inputs.items(), ("", None)][:2]
            alone = not more or more[0][0] == ""
            return value if alone and name in LITERALS else None
        if row.constant:
            return row.constant
        if row.switch:
            chosen = self._chosen(node, row.switch)
            return None if chosen is None else [chosen.node, chosen.slot]
        if 0 <= slot < len(row.values):
            return node.inputs.get(row.values[slot])
        role = row.slots[slot] if 0 <= slot < len(row.slots) else ""
        if row.size and role in SIDES:
            return self.size_of(node, row)[SIDES.index(role)]
        given = node.inputs.get(row.passes.get(role, ""))
        if given is None and row.pipe and role:
            return self._through(node.link(row.pipe), role)
        return given

    def size_of(self, node: Node, row: NodeRow) -> tuple[object, object]:
        """Return width and height of an empty latent: of two inputs, or of a choice such as `832 x 1216 (portrait)`."""
        given = [self.literal(node.inputs.get(name)) for name in row.size]
        sides, choice = (given[:2], given[2:]) if len(given) > 1 else ([None, None], given)
        own = "override" in row.size[0] and all(whole(side) for side in sides)
        found = _SIZE.search(choice[0][:200]) if choice and isinstance(choice[0], str) and not own else None
        if found is None:
            return sides[0], sides[1]
        swapped = node.inputs.get("swap_dimensions") in ON or node.inputs.get("invert") is True
        return (found[2], found[1]) if swapped else (found[1], found[2])

    def _through(self, link: Link | None, role: str) -> object:
        """Return a value that a pipe carries."""
        while link is not None and self.budget.node():
            node = self.graph.at(link)
            row = ROWS.get(node.kind) if node else None
            if node is None or row is None:
                return None
            given = node.inputs.get(row.passes.get(role, ""))
            if given is not None:
                return given
            link = node.link(row.pipe)
        return None


def _role_at(row: NodeRow, slot: int, role: str) -> str:
    """Return the role an output has: its own where the row says one, else what is asked for."""
    said = row.slots[slot] if 0 <= slot < len(row.slots) else ""
    if role in TEXTS and said in {"positive", "negative", "conditioning"}:
        return said
    return role


def _guessed_text(node: Node, slot: int, role: str) -> NodeRow:
    inputs = node.inputs
    if node.link("conditioning") and not node.link("positive"):
        return NodeRow(passes={role: "conditioning"})
    if node.link("positive") and node.link("negative") and not node.link("model") and slot in {0, 1}:
        here = ("positive", "negative")[slot]
        return NodeRow(slots=("positive", "negative"), passes={here: here})
    name = next((name for name in ("text", "prompt") if isinstance(inputs.get(name), (str, list))), "")
    if name and node.link("clip"):
        return NodeRow(passes={"clip": "clip"}, texts={role: (name,)})
    return NodeRow()
