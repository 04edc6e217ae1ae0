"""From the saved picture back to what made it: its samplers, and from the first of them prompts, model, LoRAs and size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lora_mixer.images.readers.comfy.conditionings import take_text
from lora_mixer.images.readers.comfy.graph import Graph, Link, Node
from lora_mixer.images.readers.comfy.loras import loras_of
from lora_mixer.images.readers.comfy.row import NodeRow
from lora_mixer.images.readers.comfy.rows import ROWS
from lora_mixer.images.readers.comfy.trace import ACROSS, Stop, Tracer
from lora_mixer.images.readers.draft import real, shown, whole
from lora_mixer.images.readers.names import COMFY

MAX_PASSES = 16


@dataclass(frozen=True, slots=True)
class SamplerPass:
    """A sampler, the nodes its latent came through, up to the sampler before it, and those its result went through."""

    stop: Stop
    upstream: tuple[Stop, ...]
    downstream: tuple[Stop, ...]


def passes_to(tracer: Tracer, link: Link | None, role: str = "image") -> list[SamplerPass]:
    """Return the samplers that made what a link carries, the last one first."""
    found: list[SamplerPass] = []
    hit, downstream = _sampler_behind(tracer, link, role)
    while hit is not None and len(found) < MAX_PASSES:
        sampler = hit.row.sampler
        link = hit.node.link(sampler.get("latent", "")) or hit.node.link(sampler.get("pipe", ""))
        earlier, upstream = _sampler_behind(tracer, link, "latent")
        found.append(SamplerPass(hit, upstream, downstream))
        if earlier is not None and any(earlier.node.id == known.stop.node.id for known in found):
            break
        hit, downstream = earlier, upstream
    return found


def _sampler_behind(tracer: Tracer, link: Link | None, role: str) -> tuple[Stop | None, tuple[Stop, ...]]:
    upstream: list[Stop] = []
    for stop in tracer.trace(link, role):
        if stop.row.sampler and stop.role in ACROSS:
            return stop, tuple(upstream)
        upstream.append(stop)
        if stop.row.note and stop.known:
            tracer.draft.note(stop.row.note)
    return None, tuple(upstream)


def read_passes(tracer: Tracer, passes: list[SamplerPass], size: tuple[int, int] | None) -> None:
    """Put what made a picture into the draft: everything of the first sampler, and a note on each further one."""
    draft, first = tracer.draft, passes[-1]
    for later in passes[:-1]:
        _say_later(tracer, later.stop)
    links = _links_of(tracer, first.stop)
    _take_numbers(tracer, first.stop)
    _take_size(tracer, first, size if all(_keeps_size(one.downstream) for one in passes) else None)
    encoders = {role: take_text(tracer, links.get(role), role) for role in ("positive", "negative")}
    _take_model(tracer, links.get("model"), encoders)
    text = f"{draft.values.get('prompt', '')}{draft.values.get('negative', '')}"
    if "<lora:" in text.lower():
        draft.note("LoRA tags in the prompt are words to ComfyUI; here they load")


def _keeps_size(stops: tuple[Stop, ...]) -> bool:
    """Tell whether a sampler's result was only decoded on the way to the picture."""
    return all(
        stop.known and (stop.row.switch or stop.row.passes.keys() == {"latent"})
        for stop in stops
        if stop.role == "image"
    ) and all(stop.role == "image" for stop in stops)


def _say_later(tracer: Tracer, stop: Stop) -> None:
    told = []
    for role in ("steps", "cfg", "denoise", "start", "end"):
        name = stop.row.sampler.get(role, "")
        value = tracer.literal(stop.node.inputs.get(name)) if name in stop.node.inputs else None
        if value is not None:
            told.append(f"{role} {shown(value)}")
    tracer.draft.note(f"a further pass is not carried over: {shown(stop.node.kind)} ({', '.join(told)})")


def _links_of(tracer: Tracer, stop: Stop) -> dict[str, tuple[Link | None, str]]:
    """Return where a sampler's model and texts come from, with the roles they have there."""
    sampler, node = stop.row.sampler, stop.node
    guider = tracer.graph.at(node.link(sampler.get("guider", "")))
    row = ROWS.get(guider.kind) if guider else None
    if guider is not None and (row is None or not row.guider):
        tracer.draft.unknown(f"the guider {shown(guider.kind)}")
    if guider is not None and row is not None:
        if row.note:
            tracer.draft.note(row.note)
        sampler, node = row.guider, guider
        cfg = row.guider.get("cfg", "")
        tracer.draft.number("cfg", cfg[1:] if cfg.startswith("=") else tracer.literal(node.inputs.get(cfg)))
        if "negative" not in row.guider:
            tracer.draft.text("negative", "")
    links: dict[str, tuple[Link | None, str]] = {}
    for role in ("model", "positive", "negative"):
        link = node.link(sampler[role]) if role in sampler else node.link(sampler.get("pipe", ""))
        if link is not None or role in sampler:
            links[role] = (link, role)
    return links


def _take_numbers(tracer: Tracer, stop: Stop) -> None:
    draft, node, sampler = tracer.draft, stop.node, stop.row.sampler
    for name in ("seed", "steps", "cfg"):
        if sampler.get(name):
            draft.number(name, tracer.literal(node.inputs.get(sampler[name])))
    kind, scheduler = tracer.literal(node.inputs.get(sampler.get("sampler", ""))), None
    denoise = tracer.literal(node.inputs.get(sampler.get("denoise", "")))
    if "sigmas" in sampler:
        scheduler, denoise = _take_sigmas(tracer, node.link(sampler["sigmas"]))
    elif "scheduler" in sampler:
        scheduler = tracer.literal(node.inputs.get(sampler["scheduler"]))
    kind = _with_options(tracer, node.link(sampler.get("sampler", "")), kind)
    draft.sampler(COMFY, kind, scheduler)
    amount, start = real(denoise), whole(tracer.literal(node.inputs.get(sampler.get("start", ""))))
    if amount is not None and amount < 1:
        draft.note(f"a denoise of {amount:g} is not carried over")
    if start:
        draft.note(f"it began at step {start}, which is not carried over")


def _with_options(tracer: Tracer, link: Link | None, kind: object) -> object:
    """Return a sampler's name with what its own node says further: its eta, and the solver it uses."""
    node = tracer.graph.at(link)
    if node is None or not (row := ROWS.get(node.kind)) or not row.constant:
        return kind
    if "eta" in node.inputs:
        tracer.draft.number("eta", tracer.literal(node.inputs["eta"]))
    return f"{kind}_heun" if node.inputs.get("solver_type") == "heun" else kind


def _take_sigmas(tracer: Tracer, link: Link | None) -> tuple[object, object]:
    """Take the steps of a schedule; return its name and its denoise."""
    for stop in tracer.trace(link, "sigmas"):
        parts = stop.row.sigmas
        if stop.known and stop.row.note:
            tracer.draft.note(stop.row.note)
        if parts:
            tracer.draft.number("steps", tracer.literal(stop.node.inputs.get(parts["steps"])))
            name = parts["scheduler"]
            kind = name[1:] if name.startswith("=") else tracer.literal(stop.node.inputs.get(name))
            return kind, tracer.literal(stop.node.inputs.get(parts.get("denoise", "")))
    return None, None


def _take_size(tracer: Tracer, first: SamplerPass, own: tuple[int, int] | None) -> None:
    """Take the size of the empty latent; of a picture made from another one its own, if nothing enlarged it since."""
    for stop in first.upstream:
        if stop.row.source:
            tracer.draft.note("it was made from another picture, which is not carried over")
            if own is not None and not any(side % 8 for side in own):
                tracer.draft.size(*own)
                tracer.draft.note("the size is that of the picture itself")
            return
        if stop.row.size and stop.role == "latent":
            tracer.draft.size(*tracer.size_of(stop.node, stop.row))
            return
    tracer.draft.unknown("the size")


def _take_model(tracer: Tracer, start: tuple[Link | None, str] | None, encoders: dict[str, Stop | None]) -> None:
    """Take the model, its LoRAs as they act on UNet and text encoder, and the layer the text encoder stops at."""
    draft, mix = tracer.draft, dict[tuple[str, int], list[object]]()
    chains = {role: list(_clip_chain(tracer, stop)) for role, stop in encoders.items() if stop is not None}
    blind = not _ends_well(chains.get("positive", []))
    for stop in tracer.trace(*start) if start is not None else ():
        if stop.row.note and stop.known:
            draft.note(stop.row.note)
        for use in loras_of(tracer, stop.node, stop.row):
            mix.setdefault(use.key, [use.name, use.denoiser, use.text if blind else 0.0])
        if stop.row.model:
            draft.model(tracer.literal(stop.node.inputs.get(stop.row.model)))
    for node, row in chains.get("positive", []):
        for use in loras_of(tracer, node, row):
            mix.setdefault(use.key, [use.name, 0.0, 0.0])[2] = use.text
        skip = whole(tracer.literal(node.inputs.get(row.clip_skip))) if row.clip_skip else None
        if skip is not None and "clip_skip" not in draft.values:
            draft.number("clip_skip", abs(skip))
    ids = {role: [node.id for node, row in chain if row.loras or row.stack] for role, chain in chains.items()}
    if len(ids) == 2 and ids["positive"] != ids["negative"]:
        draft.note("the LoRAs act on the text encoder of the negative prompt otherwise than on the positive's")
    for name, denoiser, text in mix.values():
        draft.lora(name, denoiser, text)


def _ends_well(chain: list[tuple[Node, NodeRow]]) -> bool:
    """Tell whether a text encoder was followed to where it is loaded; else what acts on it is taken from the UNet's side."""
    return bool(chain) and (bool(chain[-1][1].model) or chain[-1][1].slots[-1:] == ("clip",))


def _clip_chain(tracer: Tracer, encoder: Stop) -> Iterator[tuple[Node, NodeRow]]:
    """Yield the nodes of a prompt's text encoder, the encoding one first."""
    yield encoder.node, encoder.row
    for stop in tracer.trace(encoder.node.link(encoder.row.passes.get("clip", "")), "clip"):
        yield stop.node, stop.row


def savers_of(graph: Graph) -> list[tuple[Node, NodeRow]]:
    """Return the nodes that save pictures; those that only preview where there are no others."""
    rows = [(node, ROWS[node.kind]) for node in graph if node.kind in ROWS]
    savers = [(node, row) for node, row in rows if row.saver and node.link(row.saver)]
    return [(node, row) for node, row in savers if not row.preview] or savers
