"""ComfyUI's graphs, put together from parts whose truth is known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

Nodes = dict[str, dict[str, Any]]


def node(kind: str, **inputs: object) -> dict[str, Any]:
    """Return a node as it is sent."""
    return {"class_type": kind, "inputs": inputs}


def basic(**changes: object) -> Nodes:
    """Return the graph that ComfyUI opens with, with other inputs of its sampler."""
    sampler = {
        "seed": 42,
        "steps": 30,
        "cfg": 6.5,
        "sampler_name": "dpmpp_2m",
        "scheduler": "karras",
        "denoise": 1.0,
        "model": ["4", 0],
        "positive": ["6", 0],
        "negative": ["7", 0],
        "latent_image": ["5", 0],
    }
    return {
        "3": node("KSampler", **{**sampler, **changes}),
        "4": node("CheckpointLoaderSimple", ckpt_name="sd15\\dream.safetensors"),
        "5": node("EmptyLatentImage", width=512, height=768, batch_size=1),
        "6": node("CLIPTextEncode", text="a fox", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="bad", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
    }


def with_lora(
    name: str, model: object = 0.8, clip: object = 0.6, *, kind: str = "LoraLoader", graph: Nodes | None = None
) -> Nodes:
    """Return a graph with a LoRA between its loader and all that uses it."""
    graph = dict(graph or basic())
    key = f"lora {name}"
    graph[key] = node(
        kind, lora_name=f"{name}.safetensors", strength_model=model, strength_clip=clip, model=["4", 0], clip=["4", 1]
    )
    return rewired(graph, {("4", 0): [key, 0], ("4", 1): [key, 1]}, but=key)


def rewired(graph: Nodes, links: Mapping[tuple[str, int], list[object]], *, but: str) -> Nodes:
    """Return a graph in which outputs are replaced by others everywhere but in one node."""
    return {
        key: value
        if key == but
        else value
        | {
            "inputs": {
                name: links.get((item[0], item[1]), item) if isinstance(item, list) and len(item) == 2 else item
                for name, item in value["inputs"].items()
            }
        }
        for key, value in graph.items()
    }


def drawn(*nodes: dict[str, Any], links: list[list[object]], **more: object) -> str:
    """Return a workflow as it is drawn."""
    return json.dumps({"last_node_id": 99, "nodes": list(nodes), "links": links, "version": 0.4, **more})


def box(
    number: int,
    kind: str,
    values: object = (),
    inputs: Mapping[str, int | None] | None = None,
    *,
    mode: int = 0,
    **more: object,
) -> dict[str, Any]:
    """Return a node as it is drawn; `inputs` are the links into it by name."""
    return {
        "id": number,
        "type": kind,
        "mode": mode,
        "inputs": [{"name": name, "type": "*", "link": link} for name, link in (inputs or {}).items()],
        "outputs": [],
        "widgets_values": values if isinstance(values, dict) else list(values),  # type: ignore[call-overload]
        **more,
    }
