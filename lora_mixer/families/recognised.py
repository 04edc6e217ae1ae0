"""Families that are recognised but cannot be opened: the names that tell them, and widths and numbers where names are shared.

A name is looked at flat (dots are underscores) and without what exporters put before it (`lora_unet_`, `transformer.`,
`diffusion_model.`, ..), so that a row holds in every naming. Sources: the models' code in diffusers 0.42
(`models/transformers/*.py`) with its converters from the original names (`loaders/lora_conversion_utils.py`); sd-scripts
`networks/lora_*.py`; OneTrainer `modules/model/*.py`; InvokeAI's key lists (`tests/.../lora_state_dicts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lora_mixer.families.table import denoiser_kinds, text_encoders


class NamedModule(NamedTuple):
    """A module as a file spells it, and how many inputs it has, if its tensors tell."""

    module: str
    inputs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognisedFamily:
    """One row: a family that cannot be opened here.

    Attributes:
        title: Its name.
        pattern: A regular expression for the names only it has; its first group, if any, is the number of a block.
        widths: Where others have such names too: the inputs one of these modules has. Empty means any.
        least: Where others have such names and widths too: a block's number of at least this.
    """

    title: str
    pattern: str
    widths: frozenset[int] = frozenset()
    least: int = 0


_MMDIT = r"^transformer_blocks_(\d+)_attn_(to_[qkv]|add_[qkv]_proj|to_out|to_add_out)"
_TWO_ATTENTIONS = r"^transformer_blocks_(\d+)_attn[12]_(to_[qkv]|to_out)"
_BLOCKS = r"^blocks_(\d+)_attn[12]_(to_[qkv]|add_[kv]_proj|to_out)"
_LAYERS = r"^(?:layers|noise_refiner|context_refiner)_(\d+)_attention_(to_[qkv]|to_out|qkv|out)"
_DOUBLE = r"^(?:double_blocks|transformer_blocks)_(\d+)_(img|txt|attn)_"
_SINGLE = r"^(?:single_blocks|single_transformer_blocks)_(\d+)_"


def _by_width(pattern: str, titles: Mapping[str, tuple[int, ...]]) -> tuple[RecognisedFamily, ...]:
    """Return a row for every family that shares some names, told by the width of its model."""
    return tuple(
        RecognisedFamily(title=title, pattern=pattern, widths=frozenset(widths)) for title, widths in titles.items()
    )


# The first row that a file matches wins.
RECOGNISED: tuple[RecognisedFamily, ...] = (
    RecognisedFamily(
        title="Stable Cascade", pattern=r"prior_unet|prior_(down|up)_blocks|^(down|up)_blocks_\d+_\d+_(attention|kv_)"
    ),
    RecognisedFamily(
        title="Stable Video Diffusion", pattern=r"temporal_transformer_blocks|_time_stack_|_temporal_res_block_"
    ),
    RecognisedFamily(title="AnimateDiff", pattern=r"motion_modules|temporal_transformer_"),
    RecognisedFamily(
        title="a ControlNet", pattern=r"^lllite_|^controlnet|^control_model_|^input_hint_block|^zero_convs"
    ),
    RecognisedFamily(title="AuraFlow", pattern=r"^joint_transformer_blocks_\d|^(double|single)_layers_\d"),
    RecognisedFamily(title="HiDream", pattern=r"^(double|single)_stream_blocks_\d"),
    RecognisedFamily(title="Chroma", pattern=r"^distilled_guidance_layer_"),
    RecognisedFamily(
        title="Krea 2",
        pattern=r"^(text_fusion|txtfusion)_|^blocks_\d+_attn_(gate|w[qkvo])$|^transformer_blocks_\d+_attn_to_gate",
    ),
    RecognisedFamily(
        title="Flux.2",
        pattern=r"_attn_to_qkv_mlp_proj$|^(double|single)_stream_modulation_|^transformer_blocks_\d+_ff_linear_in$",
    ),
    RecognisedFamily(title="HunyuanImage", pattern=_DOUBLE, widths=frozenset({3584})),
    RecognisedFamily(title="HunyuanVideo 1.5", pattern=_DOUBLE, widths=frozenset({2048})),
    RecognisedFamily(title="Flux.2", pattern=_DOUBLE, widths=frozenset({4096, 6144})),
    RecognisedFamily(title="Flux.2", pattern=_SINGLE, widths=frozenset({4096, 6144})),
    RecognisedFamily(
        title="HunyuanVideo",
        pattern=r"token_refiner|^double_blocks_\d+_(img|txt)_mlp_fc\d|^single_blocks_\d+_modulation_linear"
        r"|^double_blocks_\d+_(img|txt)_attn_(qkv|proj)_lora$",
    ),
    RecognisedFamily(title="HunyuanVideo", pattern=r"^single(?:_transformer)?_blocks_(\d+)_", least=38),
    RecognisedFamily(title="HunyuanVideo", pattern=r"^double_blocks_(\d+)_", least=19),
    RecognisedFamily(title="Flux", pattern=r"^(double|single)_blocks_\d|^single_transformer_blocks_\d"),
    RecognisedFamily(title="SD 3", pattern=r"^joint_blocks_\d"),
    RecognisedFamily(title="Qwen-Image", pattern=r"^transformer_blocks_\d+_(img|txt)_(mlp|mod)"),
    *_by_width(_MMDIT, {"SD 3": (1536, 2432)}),
    RecognisedFamily(title="Qwen-Image", pattern=_MMDIT, widths=frozenset({3072}), least=20),
    RecognisedFamily(title="Flux", pattern=_MMDIT, widths=frozenset({3072}), least=18),
    *_by_width(_MMDIT, {"Flux or Qwen-Image": (3072,)}),
    RecognisedFamily(title="SD 3, Flux or Qwen-Image", pattern=_MMDIT),
    RecognisedFamily(title="Mochi", pattern=r"^transformer_blocks_\d+_attn1_add_[qkv]_proj"),
    RecognisedFamily(title="Anima", pattern=r"^llm_adapter_|^blocks_\d+_adaln_modulation_"),
    RecognisedFamily(
        title="Anima", pattern=r"^blocks_\d+_(self|cross)_attn_([qkv]|output)_proj|^blocks_\d+_mlp_layer[12]$"
    ),
    *_by_width(r"^transformer_blocks_(\d+)_attn2_to_[kv]$", {"Anima": (1024,)}),
    RecognisedFamily(title="Sana", pattern=r"^transformer_blocks_\d+_ff_conv_(inverted|depth|point)"),
    *_by_width(
        _TWO_ATTENTIONS,
        {
            "LTX-Video": (2048,),
            "LTX-2": (4096,),
            "Sana": (2240,),
            "PixArt": (1152,),
            "CogVideoX": (1920, 3072),
            "CogView": (2560,),
            "Allegro": (2304,),
        },
    ),
    RecognisedFamily(title="LTX-Video, Sana, PixArt or CogVideoX", pattern=_TWO_ATTENTIONS),
    RecognisedFamily(
        title="ACE-Step",
        pattern=r"^(decoder_)?(layers|transformer_blocks)_\d+_cross_attn_|^(lyric|speaker)_|^genre_embedder",
    ),
    RecognisedFamily(
        title="Hunyuan-DiT",
        pattern=r"^blocks_\d+_(attn1_Wqkv|attn2_kv_proj|attn[12]_(q_proj|out_proj)|default_modulation|skip_linear)",
    ),
    *_by_width(_BLOCKS, {"Hunyuan-DiT": (1408,)}),
    RecognisedFamily(
        title="Wan", pattern=rf"{_BLOCKS}|^(vace_)?blocks_\d+_(self|cross)_attn_|^(vace_)?blocks_\d+_ffn_"
    ),
    *_by_width(_LAYERS, {"Z-Image": (3840,), "Lumina 2": (2304,), "Ideogram 4": (4608,)}),
    RecognisedFamily(
        title="Lumina 2", pattern=r"^(layers|noise_refiner|context_refiner)_\d+_(attn_to_|feed_forward_linear_)"
    ),
    RecognisedFamily(
        title="Z-Image or Lumina 2", pattern=rf"{_LAYERS}|^(layers|noise_refiner|context_refiner)_\d+_feed_forward_"
    ),
    RecognisedFamily(title="ERNIE-Image", pattern=r"^layers_\d+_self_attention_"),
    RecognisedFamily(title="Kandinsky 5", pattern=r"^(visual|text)_transformer_blocks_\d"),
    RecognisedFamily(title="PixArt or another transformer", pattern=r"^adaln_single|^caption_projection"),
    RecognisedFamily(title="SD 3 or Flux, its T5 encoder alone", pattern=r"^lora_te3_|^text_encoder_3_|^t5xxl_"),
    RecognisedFamily(title="a transformer that is not known here", pattern=r"^TRANSFORMER_|^transformer_blocks_\d"),
)

_BEFORE = re.compile(
    r"(?:base_model\.model\.|model\.diffusion_model\.|diffusion_model\.|lora_unet[_.]|oft_unet_|lycoris_|unet\."
    r"|(?P<transformer>transformer\.|lora_transformer[_.]))*"
)
_TEXT_BODY = r"(?:text_model|encoder)_"
_VIDEO = ("temporal", "motion_modules", "time_stack")
_COMPILED = tuple((row, re.compile(row.pattern)) for row in RECOGNISED)


def recognise(modules: Iterable[NamedModule]) -> tuple[str, str] | None:
    """Return the title of a family that cannot be opened and the module that shows it, or None.

    >>> recognise([NamedModule("lora_unet_double_blocks_0_img_attn_proj", 3072)])
    ('Flux', 'lora_unet_double_blocks_0_img_attn_proj')
    """
    ours = _names_of_families()
    seen = [(named, body) for named in modules for body in _bodies(named.module) if not _is_ours(body, ours)]
    return next(filter(None, (_told(row, pattern, seen) for row, pattern in _COMPILED)), None)


def _names_of_families() -> re.Pattern[str]:
    """Return what the names of families that can be opened begin with."""
    kohya = "|".join(re.escape(prefix) for encoder in text_encoders() for prefix in encoder.kohya)
    folders = "|".join(re.escape(encoder.folder) for encoder in text_encoders())
    denoisers = "|".join(kind.names for kind in denoiser_kinds())
    return re.compile(rf"{denoisers}|(?:{kohya})_|(?:(?:{folders})_)?{_TEXT_BODY}")


def _is_ours(body: str, ours: re.Pattern[str]) -> bool:
    """Return whether a name is one of a family that can be opened, and none with a word that only video models have."""
    return ours.match(body) is not None and not any(word in body for word in _VIDEO)


def _bodies(module: str) -> Iterator[str]:
    """Yield a module's flat name without what exporters put before it, and one that tells that it was a transformer's."""
    before = _BEFORE.match(module)
    rest = module[before.end() :] if before else module
    yield rest.replace(".", "_")
    if before and before["transformer"]:
        yield f"TRANSFORMER_{rest}"


def _told(
    row: RecognisedFamily, pattern: re.Pattern[str], seen: Iterable[tuple[NamedModule, str]]
) -> tuple[str, str] | None:
    for named, body in seen:
        match = pattern.search(body)
        if match is None or (row.widths and named.inputs not in row.widths):
            continue
        if row.least and not (match[1] and len(match[1]) < 6 and int(match[1]) >= row.least):
            continue
        wide = f", {named.inputs} wide" if row.widths else ""
        return row.title, f"{named.module}{wide}"
    return None
