"""The lists of a YAML or JSON file of wildcards: read by PyYAML's safe parser, event by event, nothing constructed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lora_mixer.errors import ConfigError
from lora_mixer.prompt.tags import number
from lora_mixer.prompt.yaml_lines import read_lines_leniently
from lora_mixer.wording import page

MAX_DEPTH = 32
MAX_UNFOLDED = 4
"""How many times as many values as are written may come of aliases."""

if TYPE_CHECKING:  # read when a wildcard is: prompts without one wait for no parser
    from yaml import Mark, NodeEvent
    from yaml._yaml import Mark as CMark

_TEXTS = ("text", "content")


@dataclass(slots=True)
class _Node:
    """A value of the file; `text` is as it is written, where it is no plain word."""

    kind: str
    text: str
    plain: bool = False
    inside: list[_Node] = field(default_factory=list)  # of a mapping: key, value, key, value, ...


def read_yaml(text: str, *, where: str) -> dict[str, tuple[str, ...]]:
    """Return the lists of a YAML file by their path of keys, joined by `/`; a list at the top has the key "".

    A lone word is a list of one. Items may have a share, `2::red` or `{text: red, weight: 2}`. A file that is no YAML
    because an item begins with a brace or a quote, as in `- {light|dark} red`, is read line by line.

    Raises:
        ConfigError: It is no YAML, nested too deeply, or its aliases unfold to too much.
    """
    import yaml

    try:
        return _Lists(where).of(*_documents(text, where))
    except yaml.YAMLError as error:
        lists = read_lines_leniently(text)
        if lists is not None:
            return lists
        scanning = "simple key" in (getattr(error, "context", None) or "")  # whose problem is only seen behind it
        mark = getattr(error, "context_mark" if scanning else "problem_mark", None)
        what = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        place = f":{mark.line + 1}" if mark is not None else ""
        raise ConfigError(
            f"this is not YAML: {what}", where=f"{where}{place}", remedy=f"The form is in {page('prompts')}."
        ) from error


def _documents(text: str, where: str) -> tuple[list[_Node], int]:
    """Return the file's values as trees, and how many there are; an alias is the very node it names."""
    import yaml

    ending, other, starting = yaml.CollectionEndEvent, yaml.NodeEvent, yaml.CollectionStartEvent
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    roots: list[_Node] = []
    open_nodes: list[tuple[_Node, int]] = []
    anchors: dict[str, _Node] = {}
    count = 0
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, ending):
            node, start = open_nodes.pop()
            node.text = text[start : _mark(event.end_mark).index]
            continue
        if not isinstance(event, other):
            continue
        count += 1
        node = _node(event, anchors, where)
        (open_nodes[-1][0].inside if open_nodes else roots).append(node)
        if isinstance(event, starting):
            open_nodes.append((node, _mark(event.start_mark).index))
            if len(open_nodes) > MAX_DEPTH:
                raise ConfigError("the file is nested too deeply", where=_place(where, event))
    return roots, count


def _node(event: NodeEvent, anchors: dict[str, _Node], where: str) -> _Node:
    import yaml

    if isinstance(event, yaml.ScalarEvent):
        node = _Node("text", event.value, plain=not event.style)
    elif isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:
            raise ConfigError(f"nothing is called &{event.anchor}", where=_place(where, event))
        return anchors[event.anchor]
    else:
        kind = "list" if isinstance(event, yaml.SequenceStartEvent) else "table"
        node = _Node(kind, "", plain=not getattr(event, "flow_style", False))
    if event.anchor:
        anchors[event.anchor] = node
    return node


def _mark(mark: Mark | CMark | None) -> Mark | CMark:
    assert mark is not None  # every event of a text has both its marks
    return mark


def _place(where: str, event: NodeEvent) -> str:
    return f"{where}:{_mark(event.start_mark).line + 1}"


class _Lists:
    """Gathers lists from trees of values."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._lists: dict[str, list[str]] = {}
        self._left = 0

    def of(self, roots: list[_Node], count: int) -> dict[str, tuple[str, ...]]:
        """Return the lists of a file with so many values and aliases."""
        self._left = 1_000 + MAX_UNFOLDED * count
        for root in roots:
            self._gather(root, "", 0)
        return {path: tuple(values) for path, values in self._lists.items() if values}

    def _gather(self, node: _Node, path: str, depth: int) -> None:
        self._spend(depth)
        if node.kind == "table" and not _is_template(node):
            for key, value in zip(node.inside[::2], node.inside[1::2], strict=False):
                merged = key.text == "<<" and key.plain
                self._gather(value, path if merged else f"{path}/{key.text}".strip("/"), depth + 1)
            return
        items = node.inside if node.kind == "list" else [node]
        said = self._lists.setdefault(path, [])
        for item in items:
            self._spend(depth)
            said += [text] if (text := _item(item)) else []

    def _spend(self, depth: int) -> None:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise ConfigError("the file's aliases unfold to too much", where=self._where, remedy="Write them out.")


def _item(node: _Node) -> str:
    """Return an item as a line: text as it is, anything else as it is written."""
    if node.kind == "text":
        return "" if node.plain and node.text == "~" else node.text.strip()
    if node.kind == "table":
        table = {key.text: value.text for key, value in zip(node.inside[::2], node.inside[1::2], strict=False)}
        text = next((table[name] for name in _TEXTS if name in table), None)
        if text is not None:
            return _weighted(text, table)
    return " ".join(node.text.split())


def _weighted(text: str, table: Mapping[str, str]) -> str:
    share = number(table.get("weight", ""))
    return text if share is None or share < 0 else f"{table['weight'].strip()}::{text}"


def _is_template(node: _Node) -> bool:
    """Tell whether what YAML takes for a table is a choice, as in `{red|blue}`: braces around words without values."""
    return bool(node.inside) and not node.plain and all(not value.text for value in node.inside[1::2])
