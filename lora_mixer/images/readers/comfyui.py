"""ComfyUI: the graph that made the picture, as it was sent (`prompt`) or as it was drawn (`workflow`).

The walk begins at the node that saved the picture and goes back (`comfy.walk`); what a node class does is a row in
`comfy.rows`. A graph may save several pictures: then a file does not say which of them it is, and only what they share is
given, unless the picture's size tells them apart.
"""

from __future__ import annotations

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.readers.comfy.graph import Graph, Link, graph_of
from lora_mixer.images.readers.comfy.trace import Tracer
from lora_mixer.images.readers.comfy.walk import SamplerPass, passes_to, read_passes, savers_of
from lora_mixer.images.readers.comfy.workflow import graph_of_workflow
from lora_mixer.images.readers.draft import ReaderResult, RequestDraft
from lora_mixer.images.readers.jsons import Table, read_table

MAX_SAVERS = 16
OTHERWISE = "ComfyUI weighs the words of a prompt otherwise than A1111"


def read(texts: PictureTexts, budget: Budget) -> ReaderResult | None:
    """Return what a ComfyUI picture says; None if it is another's."""
    for key, graph in (("prompt", graph_of), ("workflow", graph_of_workflow)):
        text = texts.by_key.get(key)
        if text is not None and text.lstrip()[:1] in {"{", "["}:
            nodes = graph(read_table(text))
            if nodes.nodes or key == "workflow" or "workflow" not in texts.by_key:
                return found_in(nodes, texts, budget)
    return None


def found_in_graph(table: Table, texts: PictureTexts, budget: Budget) -> ReaderResult:
    """Return what a graph in the form of `prompt` says."""
    return found_in(graph_of(table), texts, budget)


def found_in(graph: Graph, texts: PictureTexts, budget: Budget) -> ReaderResult:
    """Return what a graph says of the picture it saved."""
    drafts = [draft for draft in _drafts(graph, budget, texts.size) if draft is not None]
    if not drafts:
        return ReaderResult(
            request=None, notes=("the ComfyUI graph has no sampler that leads to a saved picture", *budget.notes())
        )
    draft = _the_one(drafts, texts.size)
    draft.note(OTHERWISE)
    draft.notes.extend(budget.notes())
    return draft.found()


def _drafts(graph: Graph, budget: Budget, size: tuple[int, int] | None) -> list[RequestDraft | None]:
    """Return a draft for each picture that a graph saves, or for each of its last samplers if it saves none."""
    savers = savers_of(graph)
    starts: list[tuple[Link | None, str]] = [(node.link(row.saver), "image") for node, row in savers[:MAX_SAVERS]]
    seen: set[str] = set()
    drafts: list[RequestDraft | None] = []
    for link, role in starts:
        tracer = Tracer(graph, budget, RequestDraft())
        passes = passes_to(tracer, link, role)
        if passes and passes[0].stop.node.id not in seen:
            seen.add(passes[0].stop.node.id)
            read_passes(tracer, passes, size)
            drafts.append(tracer.draft)
    return drafts or [_of_the_only_sampler(graph, budget, size)]


def _of_the_only_sampler(graph: Graph, budget: Budget, size: tuple[int, int] | None) -> RequestDraft | None:
    """Return a draft for a graph without a known node that saves, if one sampler is the last of all."""
    tracer = Tracer(graph, budget, RequestDraft())
    chains: dict[str, list[SamplerPass]] = {}
    for node in graph:
        if not budget.node():
            break
        passes = passes_to(tracer, Link(node.id, 0), "latent") if _samples(node.kind) else []
        if passes:
            chains[node.id] = passes
    earlier = {later.stop.node.id for passes in chains.values() for later in passes[1:]}
    last = [passes for name, passes in chains.items() if name not in earlier]
    if len(last) != 1:
        return None
    tracer = Tracer(graph, budget, RequestDraft())
    tracer.draft.note("no node is known here that saved it; the only sampler is taken")
    read_passes(tracer, last[0], size)
    return tracer.draft


def _samples(kind: str) -> bool:
    return "sampler" in kind.lower()


def _the_one(drafts: list[RequestDraft], size: tuple[int, int] | None) -> RequestDraft:
    """Return the picture's draft: the one whose size it has, or what all share."""
    if len(drafts) == 1:
        return drafts[0]
    sized = [d for d in drafts if size is not None and (d.values.get("width"), d.values.get("height")) == size]
    if len(sized) == 1:
        sized[0].note(f"the graph saves {len(drafts)} pictures; this one is told by its size")
        return sized[0]
    first, others = drafts[0], drafts[1:]
    shared = {k: v for k, v in first.values.items() if all(d.values.get(k) == v for d in others)}
    loras = [use for use in first.loras if all(use in d.loras for d in others)]
    notes = list(dict.fromkeys(note for draft in drafts for note in draft.notes))
    notes.insert(
        0, f"the graph saves {len(drafts)} pictures, and the file does not say which it is; what they share is given"
    )
    return RequestDraft(values=shared, loras=loras, notes=notes)
