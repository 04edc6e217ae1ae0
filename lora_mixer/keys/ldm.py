"""Block names of the original code base (LDM), from diffusers' names.

Source: the layout of `ldm/modules/diffusionmodules/openaimodel.py` (CompVis) with two resnets per level, as every
published Stable Diffusion has: level i of the way down starts at input block 1 + 3i and of the way up at output block
3i; the first sub-block is a resnet, the second an attention.
"""

from __future__ import annotations

import re
from functools import lru_cache

_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_ALONE = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_LEVEL = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions)\.(\d+)\.(.+)")
_MIDDLE = re.compile(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)")
_DOWNSAMPLER = re.compile(r"down_blocks\.(\d+)\.downsamplers\.0\.conv")
_UPSAMPLER = re.compile(r"up_blocks\.(\d+)\.upsamplers\.0\.conv")


@lru_cache(maxsize=4096)
def ldm_paths(path: str) -> tuple[str, ...]:
    """Return the LDM paths a module of a UNet goes by; empty if it has none.

    Two for upsamplers: their number within the block depends on whether the level has attention, and exporters
    disagree.

    >>> ldm_paths("down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q")
    ('input_blocks.4.1.transformer_blocks.0.attn1.to_q',)
    """
    if path in _ALONE:
        return (_ALONE[path],)
    if match := _LEVEL.fullmatch(path):
        way, level, what, number, rest = match.groups()
        first, side = (1, "input") if way == "down" else (0, "output")
        return (f"{side}_blocks.{first + 3 * int(level) + int(number)}.{_inner(what, rest)}",)
    if match := _MIDDLE.fullmatch(path):
        what, number, rest = match.groups()
        place = 2 * int(number) + (what == "attentions")
        return (f"middle_block.{place}.{_inner(what, rest).split('.', 1)[1]}",)
    if match := _DOWNSAMPLER.fullmatch(path):
        return (f"input_blocks.{3 + 3 * int(match[1])}.0.op",)
    if match := _UPSAMPLER.fullmatch(path):
        return tuple(f"output_blocks.{2 + 3 * int(match[1])}.{sub}.conv" for sub in (1, 2))
    return ()


def _inner(what: str, rest: str) -> str:
    return f"0.{_RESNET.get(rest, rest)}" if what == "resnets" else f"1.{rest}"
