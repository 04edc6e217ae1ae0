"""UNets of Stable Diffusion: where their modules stand, and what the original code base (LDM) calls them.

Source: the layout of `ldm/modules/diffusionmodules/openaimodel.py` (CompVis) with two resnets per level, as every
published Stable Diffusion has: level i of the way down starts at input block 1 + 3i and of the way up at output block
3i; the first sub-block is a resnet, the second an attention.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from lora_mixer.families.clues import Clue, Traits
from lora_mixer.families.record import Config, DenoiserKind, Measure, ModulePlace
from lora_mixer.modules import BASE, Sees

MID = "MID"
_SIDES = {"input_blocks": "IN", "output_blocks": "OUT"}
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
_WAY = re.compile(r"(down|mid|up)_block(?:s\.(\d+))?")
_TEXT = re.compile(r"\.attn2\.(to|add)_[kv](_proj)?$")
_TIME = re.compile(r"(^|\.)(time_emb(edding|_proj)|add_embedding)(\.|$)")


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


def written(path: str, paths: Collection[str]) -> str:
    """Return the LDM path a module is written with: an upsampler stands behind its level's attention, if it has one.

    >>> written("up_blocks.0.upsamplers.0.conv", ["up_blocks.0.resnets.0.conv1"])
    'output_blocks.2.1.conv'
    """
    found = ldm_paths(path)
    if len(found) == 1:
        return found[0]
    level = path.split(".upsamplers.")[0]
    return found[1] if any(other.startswith(f"{level}.attentions.") for other in paths) else found[0]


def _inner(what: str, rest: str) -> str:
    return f"0.{_RESNET.get(rest, rest)}" if what == "resnets" else f"1.{rest}"


def places(paths: Collection[str]) -> Mapping[str, ModulePlace]:
    """Return where every module of a UNet stands, from all of its module paths.

    What belongs to no block (time embedding, output layer) is BASE and at the top.

    >>> places(["up_blocks.1.attentions.2.proj_in"])["up_blocks.1.attentions.2.proj_in"].block
    'OUT05'
    """
    deepest = max((int(match[2]) for path in paths if (match := _WAY.match(path)) and match[2]), default=0)
    return {path: _place(path, deepest) for path in paths}


def _place(path: str, deepest: int) -> ModulePlace:
    original = next(iter(ldm_paths(path)), path)
    way = _WAY.match(path)
    return ModulePlace(
        block=_block(original),
        level=_depth(way, deepest),
        sees=_sees(path),
        section=f"unet {way[1] if way else 'other'}",
        original=f"diffusion_model_{original.replace('.', '_')}",
    )


def _block(original: str) -> str:
    root, _, rest = original.partition(".")
    if root == "middle_block":
        return MID
    return f"{_SIDES[root]}{int(rest.split('.', 1)[0]):02d}" if root in _SIDES else BASE


def _depth(way: re.Match[str] | None, deepest: int) -> int:
    """Return how often both sides were halved: every level but the last one halves them."""
    if way is None:
        return 0
    number = deepest if way[1] == "mid" else int(way[2])
    return deepest - number if way[1] == "up" else number


def _sees(path: str) -> Sees:
    if _TEXT.search(path):
        return Sees.TEXT
    return Sees.TIME if _TIME.search(path) else Sees.PICTURE


def _traits(config: Config) -> Traits:
    """Return the telling numbers of a UNet's configuration."""
    channels: list[int] = config["block_out_channels"]
    depth = config.get("transformer_layers_per_block", 1)
    attended = [
        width for width, kind in zip(channels, config["down_block_types"], strict=True) if kind.startswith("CrossAttn")
    ]
    return {
        "cross": frozenset({int(config["cross_attention_dim"])}),
        "attention": frozenset((*attended, channels[-1])),
        "channels": frozenset(channels),
        "depth": frozenset(range(max(depth) if isinstance(depth, list) else depth)),
        "levels": frozenset(range(len(channels))),
    }


def _clue(trait: str, words: str, pattern: str, reads: str, *, divide: int = 1, exact: bool = False) -> Clue:
    return Clue(trait=trait, words=words, pattern=re.compile(pattern), reads=reads, divide=divide, exact=exact)


UNET = DenoiserKind(
    name="unet",
    title="UNet",
    folder="unet",
    class_name="UNet2DConditionModel",
    prefix="model.diffusion_model.",
    kohya=("lora_unet", "oft_unet"),
    names=r"(?:down|up)_blocks_\d+_(?:attentions|resnets|downsamplers|upsamplers)_|mid_block_(?:attentions|resnets)_"
    r"|(?:in|out)put_blocks_|middle_block_",
    paths=r"(?:down|up)_blocks\.|mid_block\.|conv_(?:in|out|norm_out)|(?:time|add)_embedding\.",
    required=frozenset({"input_blocks.0.0.weight", "out.2.weight"}),
    measures=(
        Measure(config="in_channels", key="input_blocks.0.0.weight", axis=1),
        Measure(config="out_channels", key="out.2.weight", axis=0),
        Measure(config="cross_attention_dim", key="attn2.to_k.weight", axis=1),
    ),
    clues=(
        _clue("cross", "cross attention {} wide", r"attn2_(?:processor_)?to_[kv]$", "inputs", exact=True),
        _clue("attention", "attention {} wide", r"attn1_(?:processor_)?to_[qkv]$", "inputs"),
        _clue("channels", "convolutions {} wide", r"resnets_\d{1,3}_conv[12]$|in_layers_2$|out_layers_3$", "outputs"),
        _clue("depth", "{} transformer blocks deep", r"transformer_blocks_(\d{1,3})_", "number"),
        _clue("levels", "{} levels", r"(?:down|up)_blocks_(\d{1,3})_", "number"),
        _clue("levels", "{} levels", r"(?:input|output)_blocks_(\d{1,3})_", "number", divide=3),
    ),
    extra_channels=frozenset({0, 5}),  # an inpainting model sees the mask and the latents of the masked picture, too
    traits=_traits,
    places=places,
    original=ldm_paths,
    written=written,
    original_blocks=("input_blocks", "middle_block", "output_blocks", "time_embed", "label_emb", "out"),
)
