"""A graph of ComfyUI as it is drawn: `nodes` with the values of their widgets in order, and `links` between them.

It becomes a graph as it is sent: what is muted falls out, what is bypassed is passed through by type, and reroutes,
primitives, pairs of `SetNode` and `GetNode`, and subgraphs are resolved, as the frontend does before it sends. Format:
ComfyUI's workflow JSON, versions 0.4 and 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lora_mixer.images.readers.comfy.graph import MAX_NAME, Graph, Node, graph_of
from lora_mixer.images.readers.comfy.rows import ROWS
from lora_mixer.images.readers.jsons import Table, list_of, table_of

MUTED, BYPASSED = 2, 4
MAX_HOPS = 64
MAX_SCOPES = 8
MAX_NODES = 20_000
INSIDE, OUTSIDE = -10, -20
"""The ids of a subgraph's own inputs and outputs."""
REROUTES = frozenset({"Reroute", "Reroute (rgthree)", "ReroutePrimitive|pysssss"})
SEEDS = frozenset({"seed", "noise_seed"})
NUMBERS = frozenset(
    {*SEEDS, "steps", "cfg", "denoise", "width", "height", "batch_size", "strength_model", "strength_clip", "clip_skip"}
    | {"start_at_step", "end_at_step", "steps_total", "refiner_step", "stop_at_clip_layer", "lora_model_strength"}
    | {"lora_clip_strength", "empty_latent_width", "empty_latent_height", "guidance", "lora_count"}
)
NAMES = frozenset(
    {
        "sampler_name",
        "scheduler",
        "ckpt_name",
        "unet_name",
        "lora_name",
        "text",
        "text_g",
        "text_l",
        "positive",
        "negative",
    }
)
"""Widgets that hold numbers, and such that hold texts: what shows that values and names have slipped."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A link: where it comes from and where it goes."""

    origin: object
    slot: object
    target: object
    target_slot: object


@dataclass(slots=True)
class Scope:
    """The nodes and wires of a workflow or of a subgraph in it, and the node that stands for it outside."""

    prefix: str
    nodes: Mapping[object, Table]
    wires: Mapping[object, Wire]
    outer: Scope | None = None
    stands_for: Table = field(default_factory=dict)
    inner: dict[object, Scope] = field(default_factory=dict)
    setters: dict[object, Table] = field(default_factory=dict)


def graph_of_workflow(table: Table) -> Graph:
    """Return the graph that a workflow would send."""
    if "nodes" not in table:
        return graph_of(table)
    subgraphs = {
        entry.get("id"): entry
        for entry in map(table_of, list_of(table_of(table.get("definitions")).get("subgraphs")))
        if isinstance(entry.get("id"), str)
    }
    nodes: dict[str, Node] = {}
    for scope in _scopes(table, subgraphs):
        for key, node in scope.nodes.items():
            kind = node.get("type")
            if isinstance(kind, str) and len(kind) <= MAX_NAME and key not in scope.inner and _acts(node):
                name = f"{scope.prefix}{key}"
                nodes[name] = Node(name, kind.strip(), _inputs_of(scope, node, kind.strip()))
    return Graph(nodes)


def _acts(node: Table) -> bool:
    return node.get("mode") not in {MUTED, BYPASSED}


def _scopes(table: Table, subgraphs: Mapping[object, Table]) -> Iterator[Scope]:
    """Yield the workflow and every subgraph that stands in it, outermost first."""
    waiting, count = [(_scope("", table), 0)], 0
    while waiting:
        scope, depth = waiting.pop(0)
        for key, node in scope.nodes.items():
            inside = subgraphs.get(node.get("type")) if isinstance(node.get("type"), str) else None
            if inside is not None and depth < MAX_SCOPES and count < MAX_NODES:
                scope.inner[key] = _scope(f"{scope.prefix}{key}:", inside, scope, node)
                count += len(scope.inner[key].nodes)
                waiting.append((scope.inner[key], depth + 1))
        yield scope


def _scope(prefix: str, table: Table, outer: Scope | None = None, stands_for: Table | None = None) -> Scope:
    nodes = {_key(node.get("id")): node for node in map(table_of, list_of(table.get("nodes"))[:MAX_NODES]) if node}
    wires = {}
    for link in list_of(table.get("links")):
        if isinstance(link, list) and len(link) >= 5:
            wires[_key(link[0])] = Wire(_key(link[1]), link[2], _key(link[3]), link[4])
        elif entry := table_of(link):
            parts = (_key(entry.get("origin_id")), entry.get("origin_slot"), _key(entry.get("target_id")))
            wires[_key(entry.get("id"))] = Wire(*parts, entry.get("target_slot"))
    setters = {_title(node): node for node in nodes.values() if node.get("type") == "SetNode"}
    return Scope(prefix, nodes, wires, outer, stands_for or {}, setters=setters)


def _key(value: object) -> object:
    return value if isinstance(value, (int, str)) else None


def _title(node: Table) -> object:
    values = list_of(node.get("widgets_values"))
    return values[0] if values and isinstance(values[0], str) else None


def _inputs_of(scope: Scope, node: Table, kind: str) -> Table:
    inputs = _widgets_of(node, kind)
    for entry in map(table_of, list_of(node.get("inputs"))):
        name, wire = entry.get("name"), entry.get("link")
        if isinstance(name, str) and wire is not None:
            found = _origin(scope, wire)
            if found is not None:
                inputs[name] = found
            elif not entry.get("widget"):
                inputs.pop(name, None)
    return inputs


def _widgets_of(node: Table, kind: str) -> dict[str, object]:
    """Return the values of a node's widgets by name; none at all where they do not fit the names."""
    values = node.get("widgets_values")
    if isinstance(values, dict):
        return dict(values)
    listed = [value for value in list_of(values) if "textWidgetName" not in table_of(value)]
    named = {
        name: value for name, value in zip(_names_of(node, kind, len(listed)), listed, strict=False) if name != "*"
    }
    inputs = named if all(_fits(name, value) for name, value in named.items()) else {}
    for number, value in enumerate(listed):
        if {"lora", "on"} <= table_of(value).keys():
            inputs[f"lora_{number}"] = value
        elif {"name", "strength", "active"} <= table_of(next(iter(list_of(value)), None)).keys():
            inputs["loras"] = value
    return inputs


def _fits(name: str, value: object) -> bool:
    """Tell whether a value can be that of a widget by its name: numbers are numbers, names are texts."""
    if isinstance(value, bool) or value is None:
        return name not in NUMBERS | NAMES
    return isinstance(value, (int, float)) if name in NUMBERS else isinstance(value, str) if name in NAMES else True


def _names_of(node: Table, kind: str, count: int) -> tuple[str, ...]:
    """Return the names of a node's widgets in order: by its row, else by its inputs that are widgets."""
    row = ROWS.get(kind)
    if row is not None and row.widgets:
        plain = tuple(name for name in row.widgets if name != "*")
        named = row.widgets if "*" in row.widgets else _controlled(plain)
        return plain if count == len(plain) else named if count >= len(named) else ()
    entries = [table_of(entry) for entry in list_of(node.get("inputs"))]
    plain = tuple(str(entry.get("name")) for entry in entries if entry.get("widget"))
    named = _controlled(plain)
    return plain if count == len(plain) else named if count == len(named) else ()


def _controlled(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names with the control that stands behind a seed."""
    return tuple(part for name in names for part in ((name, "*") if name in SEEDS else (name,)))


def _origin(scope: Scope, wire: object) -> object:
    """Return what a wire brings: `[node, output]`, or a primitive's value; None if it comes from nothing."""
    at: Scope | None = scope
    link = scope.wires.get(_key(wire))
    for _ in range(MAX_HOPS):
        if at is None or link is None:
            return None
        if link.origin == INSIDE:
            link = _wire_into(at, link.slot)
            at = at.outer
            continue
        node = at.nodes.get(link.origin)
        if node is None or node.get("mode") == MUTED:
            return None
        inner = at.inner.get(link.origin)
        if inner is not None and _acts(node):
            at, link = inner, _wire_out(inner, link.slot)
            continue
        through = _through(at, node, link)
        if through is None:
            return [f"{at.prefix}{link.origin}", link.slot]
        if "value" in through:
            return through["value"]
        link = at.wires.get(_key(through["wire"]))
    return None


def _wire_into(scope: Scope, slot: object) -> Wire | None:
    """Return the wire that reaches the input of the node which stands for a subgraph."""
    inputs = list_of(scope.stands_for.get("inputs"))
    if scope.outer is None or not isinstance(slot, int) or not 0 <= slot < len(inputs):
        return None
    return scope.outer.wires.get(_key(table_of(inputs[slot]).get("link")))


def _wire_out(scope: Scope, slot: object) -> Wire | None:
    """Return the wire inside a subgraph that its output comes from."""
    return next((w for w in scope.wires.values() if w.target == OUTSIDE and w.target_slot == slot), None)


def _through(scope: Scope, node: Table, link: Wire) -> dict[str, object] | None:
    """Return the wire, or the value, that a node without a doing of its own passes on; None for one that does something."""
    kind = node.get("type")
    if node.get("mode") == BYPASSED:
        return {"wire": _same_type(node, link.slot)}
    if kind in REROUTES:
        return {"wire": _first_wire(node)}
    if kind == "PrimitiveNode":
        values = list_of(node.get("widgets_values"))
        return {"value": values[0] if values else None}
    if kind == "GetNode":
        return {"wire": _first_wire(scope.setters.get(_title(node), {}))}
    if kind == "SetNode":
        return {"wire": _first_wire(node)}
    return None


def _first_wire(node: Table) -> object:
    inputs = list_of(node.get("inputs"))
    return table_of(inputs[0]).get("link") if inputs else None


def _same_type(node: Table, slot: object) -> object:
    """Return the wire of the input that a bypassed node's output takes: one of its type, at the same place if it can."""
    outputs, inputs = list_of(node.get("outputs")), [table_of(entry) for entry in list_of(node.get("inputs"))]
    if not isinstance(slot, int) or not 0 <= slot < len(outputs):
        return None
    kind = table_of(outputs[slot]).get("type")
    ordered = [*inputs[slot : slot + 1], *inputs]
    return next(
        (entry.get("link") for entry in ordered if entry.get("type") == kind and entry.get("link") is not None), None
    )
