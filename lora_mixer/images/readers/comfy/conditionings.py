"""The texts of a prompt: a conditioning followed back to the nodes that encode it."""

from __future__ import annotations

from lora_mixer.images.readers.comfy.graph import Link, Node
from lora_mixer.images.readers.comfy.loras import TAG
from lora_mixer.images.readers.comfy.texts import text_of
from lora_mixer.images.readers.comfy.trace import Stop, Tracer
from lora_mixer.images.readers.draft import real, shown

MAX_DEPTH = 32


def take_text(tracer: Tracer, start: tuple[Link | None, str] | None, role: str) -> Stop | None:
    """Take a prompt; return the node that encodes it, from which the text encoder is followed."""
    if start is None:
        return None
    name = "prompt" if role == "positive" else "negative"
    parts, encoders = _parts(tracer, *start, role, 0)
    stripped = [
        TAG.sub("", text).strip() if _loads_tags(encoder) else text
        for text, encoder in zip(parts, encoders, strict=True)
    ]
    if len(parts) == 1:
        tracer.draft.text(name, stripped[0])
    elif parts and role == "positive":
        tracer.draft.text(name, " AND ".join(f"{text} :{1 / len(parts):.4g}" for text in stripped))
        tracer.draft.note("prompts that ComfyUI combines are joined by AND, with the weights of a mean")
    elif parts:
        tracer.draft.unknown("negative prompts that are combined:", " + ".join(stripped))
    return next((encoder for encoder in encoders if encoder is not None), None)


def _loads_tags(encoder: Stop | None) -> bool:
    return encoder is not None and encoder.row.loras is not None and encoder.row.loras.how == "tags"


def _parts(
    tracer: Tracer, link: Link | None, role: str, wanted: str, depth: int
) -> tuple[list[str], list[Stop | None]]:
    """Return the texts whose predictions a conditioning averages, and their encoders; nothing if one is unknown."""
    for stop in tracer.trace(link, role):
        row = stop.row
        if row.note and stop.known:
            tracer.draft.note(row.note)
        if row.zero:
            return _zeroed(tracer, wanted)
        if row.joins and depth < MAX_DEPTH:
            return _joined(tracer, stop, role, wanted, depth)
        names = row.texts.get(stop.role) or row.texts.get("conditioning")
        if names:
            text = None if _is_added_to(stop) else _encoded(tracer, stop.node, names)
            return ([], []) if text is None else ([text], [stop])
    tracer.draft.unknown(f"the {wanted} prompt")
    return [], []


def _is_added_to(stop: Stop) -> bool:
    """Tell whether other texts are put before the node's own."""
    return bool(stop.row.added) and any(
        name.startswith(stop.row.added) and stop.node.link(name) for name in stop.node.inputs
    )


def _zeroed(tracer: Tracer, wanted: str) -> tuple[list[str], list[Stop | None]]:
    if wanted == "positive":
        tracer.draft.unknown("a positive prompt that is zeroed out")
        return [], []
    tracer.draft.note("the negative prompt is zeroed out, which an empty one is not quite")
    return [""], [None]


def _joined(tracer: Tracer, stop: Stop, role: str, wanted: str, depth: int) -> tuple[list[str], list[Stop | None]]:
    row, node = stop.row, stop.node
    both = [_parts(tracer, node.link(name), role, wanted, depth + 1) for name in row.joins]
    if row.joint == "average":
        strength = real(tracer.literal(node.inputs.get("conditioning_to_strength")))
        if strength not in (0, 1):
            tracer.draft.unknown("an average of two prompts")
            return [], []
        return both[0] if strength == 1 else both[1]
    if any(not texts for texts, _ in both):
        return [], []
    if row.joint == "BREAK":
        if any(len(texts) > 1 for texts, _ in both):
            tracer.draft.unknown("combined prompts that are concatenated")
            return [], []
        return [" BREAK ".join(texts[0] for texts, _ in both)], both[0][1]
    return [text for texts, _ in both for text in texts], [one for _, encoders in both for one in encoders]


def _encoded(tracer: Tracer, node: Node, names: tuple[str, ...]) -> str | None:
    """Return the text a node encodes; where its encoders get different texts, the first, and a note."""
    texts = [text_of(tracer, node.inputs[name]) for name in names if name in node.inputs]
    if not texts or None in texts:
        tracer.draft.unknown(f"the text of node {shown(node.kind)}")
        return None
    distinct = list(dict.fromkeys(text for text in texts if text and text.strip()))
    for other in distinct[1:]:
        tracer.draft.note(f"a further text encoder's text is not carried over: {shown(other)}")
    return distinct[0] if distinct else ""
