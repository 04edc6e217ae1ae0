"""A graph of ComfyUI as it is sent to be rendered: nodes by id, each with a class and named inputs.

An input is a value or a link, `[id of a node, number of its output]`. Format: `comfy_execution/graph.py` of ComfyUI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from lora_mixer.images.readers.jsons import Table, table_of

MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class Link:
    """An output of a node."""

    node: str
    slot: int


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its class and its inputs."""

    id: str
    kind: str
    inputs: Table

    def link(self, name: str) -> Link | None:
        """Return the output that an input is linked to, or None if it is a value or missing."""
        return link_of(self.inputs.get(name))


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes by id."""

    nodes: Mapping[str, Node] = field(default_factory=dict)

    def at(self, link: Link | None) -> Node | None:
        """Return the node a link comes from."""
        return None if link is None else self.nodes.get(link.node)

    def __iter__(self) -> Iterator[Node]:
        """Yield the nodes in the order they stand in."""
        return iter(self.nodes.values())


def link_of(value: object) -> Link | None:
    """Return a value as a link if it is one."""
    if not isinstance(value, list) or len(value) != 2:
        return None
    node, slot = value
    plain = isinstance(node, (str, int)) and isinstance(slot, int) and not isinstance(slot, bool)
    return Link(str(node), slot) if plain else None


def graph_of(table: Table) -> Graph:
    """Return the graph of a `prompt` chunk's JSON."""
    nodes = {}
    for key, value in table.items():
        kind, inputs = table_of(value).get("class_type"), table_of(table_of(value).get("inputs"))
        if isinstance(kind, str) and len(kind) <= MAX_NAME:
            nodes[str(key)] = Node(str(key), kind.strip(), inputs)
    return Graph(nodes)
