"""The text at the end of a link: widgets, primitives, and nodes that put texts together."""

from __future__ import annotations

import re

from lora_mixer.images.readers.comfy.graph import Link, Node, link_of
from lora_mixer.images.readers.comfy.row import NodeRow
from lora_mixer.images.readers.comfy.rows import ROWS
from lora_mixer.images.readers.comfy.trace import LITERALS, Tracer
from lora_mixer.images.readers.draft import cleaned, shown

MAX_DEPTH = 64
TEMPLATE_MARKS = ("{", "__", "<", "$")
MAX_LETTERS = 1 << 18
_BLANKS = re.compile(r"\s{2,}")
_COMMAS = re.compile(r",{2,}")


def text_of(tracer: Tracer, value: object, depth: int = 0) -> str | None:
    """Return a text, or the text a link comes from; None if it is not understood."""
    if isinstance(value, str):
        return cleaned(value)
    link = link_of(value)
    node = tracer.graph.at(link)
    if link is None or node is None or depth > MAX_DEPTH or not tracer.budget.node():
        return None
    text = _text_of_node(tracer, node, link, depth + 1)
    if text is None:
        tracer.draft.unknown(f"the text of node {shown(node.kind)}")
    return text


def _text_of_node(tracer: Tracer, node: Node, link: Link, depth: int) -> str | None:
    row = ROWS.get(node.kind)
    if row is None:
        named = [name for name in node.inputs if isinstance(node.inputs[name], (str, list))]
        return text_of(tracer, node.inputs[named[0]], depth) if len(named) == 1 and named[0] in LITERALS else None
    if row.text_join:
        return _joined(tracer, node, row, depth)
    if "text" in row.texts:
        return text_of(tracer, node.inputs.get(row.texts["text"][0]), depth)
    value = tracer.literal([link.node, link.slot])
    drawn = row.template and isinstance(value, str) and any(mark in value for mark in TEMPLATE_MARKS)
    return cleaned(value) if isinstance(value, str) and not drawn else None


def _joined(tracer: Tracer, node: Node, row: NodeRow, depth: int) -> str | None:
    """Return the texts of a node that joins them, as it joins them."""
    given = [node.inputs[name] for name in row.texts["text"] if name in node.inputs]
    parts = [text_of(tracer, value, depth) for value in given]
    between = tracer.literal(node.inputs.get(row.text_join, ""))
    if None in parts or not isinstance(between, str):
        return None
    texts = [part for part in parts if part is not None]
    if sum(map(len, texts)) > MAX_LETTERS:
        return None
    if row.text_join == "tidy_tags":
        return _tidied(node, [text for text in texts if text], between)
    if "clean_whitespace" in node.inputs:
        tidy = node.inputs["clean_whitespace"] in ("true", True)
        texts = [text.strip() if tidy else text for text in texts if text]
        between = "\n" if between in {"\\n", "\n"} else between
    return between.join(texts)


def _tidied(node: Node, texts: list[str], tidy: str) -> str | None:
    if node.inputs.get("action") != "append":
        return None
    if tidy != "yes":
        return "".join(texts)
    joined = _BLANKS.sub(" ", ", ".join(texts)).replace(" ,", ",")
    return _COMMAS.sub(",", joined).strip()
