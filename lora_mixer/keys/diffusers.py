"""diffusers' names: today's, which are PEFT's, and the older ones of attention processors.

Source: diffusers `loaders/lora_pipeline.py` and `utils/state_dict_utils.py`; PEFT `utils/save_and_load.py` for the
`base_model.model.` level.
"""

from __future__ import annotations

import re

from lora_mixer.families import DenoiserKind, Family, component_folders, denoiser_kinds
from lora_mixer.keys.scheme import Scheme, any_of, paths_of
from lora_mixer.modules import DENOISER, ModuleName

_WRAP = "base_model.model."
_BARE = ("", _WRAP)
_ATTENTION = re.compile(r"(.*\.attn[12])\.(to_q|to_k|to_v|to_out)(?:\.0)?")
_TEXT_ATTENTION = re.compile(r"(.*\.self_attn)\.(q|k|v|out)_proj")


def _heads(name: ModuleName, family: Family) -> tuple[str, ...]:
    network = family.network(name.part)
    if network is None:
        return ()
    head = f"{network.folder}."
    own = (head, head + _WRAP, _WRAP + head)
    return (*_BARE, *own) if isinstance(network, DenoiserKind) or network.bare else own


def _spell(name: ModuleName, family: Family) -> tuple[str, ...]:
    return tuple(head + path for head in _heads(name, family) for path in paths_of(name))


def _spell_processor(name: ModuleName, family: Family) -> tuple[str, ...]:
    if name.part == DENOISER:
        match = _ATTENTION.fullmatch(name.path)
        paths = [f"{match[1]}.processor.{match[2]}"] if match else []
    else:
        found = [_TEXT_ATTENTION.fullmatch(path) for path in paths_of(name)]
        paths = [f"{match[1]}.to_{match[2]}" for match in found if match]
    return tuple(head + path for head in _heads(name, family) for path in paths)


def _peft_pattern() -> str:
    folders = any_of(f"{folder}." for folder in component_folders())
    paths = "|".join(kind.paths for kind in denoiser_kinds())
    return rf"{re.escape(_WRAP)}|{folders}|{paths}|text_model\.|encoder\.|embeddings\.|final_layer_norm|text_projection"


PROCESSOR = Scheme(
    name="diffusers-processor",
    title="diffusers before 0.22 (unet....attn1.processor.to_q_lora)",
    pattern=lambda: r"(?![a-z]+_unet|lora_)\S*(?:\.processor\.to_|\.self_attn\.to_)",
    spell=_spell_processor,
)
PEFT = Scheme(
    name="peft",
    title="diffusers and PEFT (unet.down_blocks.0....lora_A)",
    pattern=_peft_pattern,
    spell=_spell,
)
