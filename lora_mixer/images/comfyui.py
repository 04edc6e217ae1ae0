"""ComfyUI's `prompt` chunk: a graph of nodes by id, read as far as the usual text-to-image graph goes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from lora_mixer.request import LoraUse, RenderRequest, Strength

MAX_GRAPH = 4 * 1024 * 1024
MAX_WALK = 1000
MAX_NESTING = 64

SAMPLERS: Mapping[str, str] = MappingProxyType(
    {
        "euler": "Euler",
        "euler_ancestral": "Euler a",
        "heun": "Heun",
        "dpm_2": "DPM2",
        "dpm_2_ancestral": "DPM2 a",
        "lms": "LMS",
        "dpmpp_sde": "DPM++ SDE",
        "dpmpp_2m": "DPM++ 2M",
        "dpmpp_2m_sde": "DPM++ 2M SDE",
        "dpmpp_3m_sde": "DPM++ 3M SDE",
        "ddim": "DDIM",
        "ddpm": "DDPM",
        "lcm": "LCM",
        "uni_pc": "UniPC",
    }
)
SCHEDULERS: Mapping[str, str] = MappingProxyType(
    {
        "karras": "Karras",
        "exponential": "Exponential",
        "sgm_uniform": "SGM Uniform",
        "simple": "Simple",
        "beta": "Beta",
        "ddim_uniform": "DDIM",
    }
)

Node = Mapping[str, object]


def read_graph(text: str) -> tuple[RenderRequest | None, tuple[str, ...]]:
    """Return the request of the first sampler node of a ComfyUI graph, and notes on what was guessed or not found."""
    graph = _graph(text)
    sampler = next((n for n in graph.values() if "KSampler" in str(n.get("class_type"))), None)
    if sampler is None:
        return None, ("the ComfyUI graph has no KSampler node",)
    values = _inputs(sampler)
    chain = list(_walk(graph, values.get("model")))
    size = next((_inputs(n) for n in _walk(graph, values.get("latent_image")) if "width" in _inputs(n)), {})
    checkpoint = next((str(_inputs(n)["ckpt_name"]) for n in chain if "ckpt_name" in _inputs(n)), None)
    request = RenderRequest(
        prompt=_text(graph, values.get("positive")),
        negative=_text(graph, values.get("negative")),
        loras=tuple(_loras(chain)),
        seed=_whole(values.get("seed", values.get("noise_seed"))),
        steps=_whole(values.get("steps")),
        cfg=_real(values.get("cfg")),
        sampler=_named(SAMPLERS, values.get("sampler_name")),
        schedule=_named(SCHEDULERS, values.get("scheduler")),
        width=_whole(size.get("width")),
        height=_whole(size.get("height")),
        model=_stem(checkpoint) if checkpoint else None,
    )
    return request, ("read from a ComfyUI graph, best effort; ComfyUI's noise and prompt weights differ from ours",)


def _graph(text: str) -> dict[str, Node]:
    if len(text) > MAX_GRAPH or _too_deep(text):
        return {}
    try:
        loaded = json.loads(text)
    except ValueError:
        return {}
    nodes = loaded.items() if isinstance(loaded, dict) else ()
    return {str(key): node for key, node in nodes if isinstance(node, dict)}


def _too_deep(text: str) -> bool:
    depth = deepest = 0
    for char in text:
        depth += (char in "{[") - (char in "}]")
        deepest = max(deepest, depth)
    return deepest > MAX_NESTING


def _inputs(node: Node) -> Mapping[str, object]:
    inputs = node.get("inputs")
    return inputs if isinstance(inputs, dict) else {}


def _linked(graph: Mapping[str, Node], value: object) -> Node | None:
    return graph.get(str(value[0])) if isinstance(value, list) and value else None


def _walk(graph: Mapping[str, Node], start: object) -> Iterator[Node]:
    """Yield the node a link leads to and everything upstream of it, nearest first, each once."""
    queue, seen = [start], set[int]()
    while queue and len(seen) < MAX_WALK:
        node = _linked(graph, queue.pop(0))
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        queue += [value for value in _inputs(node).values() if isinstance(value, list)]


def _text(graph: Mapping[str, Node], start: object) -> str:
    for node in _walk(graph, start):
        for key in ("text", "text_g", "string", "value"):
            value = _inputs(node).get(key)
            if isinstance(value, str):
                return value
    return ""


def _loras(chain: list[Node]) -> Iterator[LoraUse]:
    for node in chain:
        values = _inputs(node)
        if isinstance(values.get("lora_name"), str):
            unet = _real(values.get("strength_model"))
            text = _real(values.get("strength_clip", 0.0))
            yield LoraUse(
                name=_stem(str(values["lora_name"])), strength=Strength(unet=1.0 if unet is None else unet, te1=text)
            )


def _stem(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".safetensors").removesuffix(".ckpt")


def _named(table: Mapping[str, str], value: object) -> str | None:
    return table.get(value) if isinstance(value, str) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _real(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
