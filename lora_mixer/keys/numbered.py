"""cloneofsimo's files: modules by number, in the order in which the model held them when it was trained.

Source: cloneofsimo/lora `lora_diffusion/lora.py` (`save_safeloras_with_embeds`, `_find_modules_v2`): every linear layer
under a module of some classes, depth first; the classes stand in the metadata. A UNet of diffusers holds its way down,
its way up and then its middle; a transformer block held attn1, the feed-forward layer and attn2 up to diffusers 0.17, and
since then attn1, attn2 and the feed-forward layer, which the widths tell. There is no alpha: the factors are whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product

from lora_mixer.files import TensorFile
from lora_mixer.keys.suffixes import Split

EMBEDDED = "<embed>"
"""The metadata's value for a key that is a textual inversion; the key is its prompt word."""

_KEY = re.compile(r"(unet|text_encoder):(\d{1,4}):(up|down)")
_TEXT_LAYERS = frozenset({12, 23, 24, 32})
_ATTENTION = ("to_q", "to_k", "to_v", "to_out.0")
_CLIP = ("k_proj", "v_proj", "q_proj", "out_proj")
_BLOCKS = (
    *(f"down_blocks.{level}.attentions.{number}" for level, number in product(range(3), range(2))),
    *(f"up_blocks.{level}.attentions.{number}" for level, number in product(range(1, 4), range(3))),
    "mid_block.attentions.0",
)
"""The attentions of SD 1.x and 2.x in the order in which diffusers' UNet holds them."""


def numbered(file: TensorFile) -> Mapping[str, Split]:
    """Return the module and slot of every numbered key, as diffusers names modules; empty for other files.

    A part whose modules are more or fewer than those of the usual classes is left out: its numbers mean others.
    """
    found = {key: match for key in file.tensors if (match := _KEY.fullmatch(key))}
    names: dict[str, Split] = {}
    for part in {match[1] for match in found.values()}:
        own = {key: match for key, match in found.items() if match[1] == part}
        paths = _paths(part, 1 + max(int(match[2]) for match in own.values()), file)
        names |= {key: Split(f"{part}.{paths[int(match[2])]}", match[3]) for key, match in own.items() if paths}
    return names


def is_numbered(key: str) -> bool:
    """Return whether a key is one of these files'."""
    return _KEY.fullmatch(key) is not None


def _paths(part: str, count: int, file: TensorFile) -> tuple[str, ...]:
    paths = tuple(_text_paths(count) if part == "text_encoder" else _unet_paths(count, file))
    return paths if len(paths) == count else ()


def _text_paths(count: int) -> Iterator[str]:
    layers = count // len(_CLIP)
    if layers in _TEXT_LAYERS:
        for layer, name in product(range(layers), _CLIP):
            yield f"text_model.encoder.layers.{layer}.self_attn.{name}"


def _unet_paths(count: int, file: TensorFile) -> Iterator[str]:
    first, second = ([f"{attention}.{name}" for name in _ATTENTION] for attention in ("attn1", "attn2"))
    feed = ["ff.net.0.proj"] if count == len(_BLOCKS) * (2 * len(_ATTENTION) + 1) else []
    middle = [*first, *feed, *second] if _is_wide("unet:4:up", file) else [*first, *second, *feed]
    for block, name in product(_BLOCKS, middle):
        yield f"{block}.transformer_blocks.0.{name}"


def _is_wide(key: str, file: TensorFile) -> bool:
    """Return whether a module gives eight times what the first attention does: the feed-forward layer."""
    one, other = file.tensors.get("unet:0:up"), file.tensors.get(key)
    return one is not None and other is not None and other.shape[:1] == tuple(8 * n for n in one.shape[:1])
