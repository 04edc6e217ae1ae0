"""diffusers' names: today's, which are PEFT's, and the older ones of attention processors.

Source: diffusers `loaders/lora_pipeline.py` and `utils/state_dict_utils.py`; PEFT `utils/save_and_load.py` for the
`base_model.model.` level.
"""

from __future__ import annotations

import re

from lora_mixer.keys.scheme import Prefixes, Scheme, paths_of, prefixes_of
from lora_mixer.modules import Family, ModuleName

_WRAP = "base_model.model."
_BARE = ("", _WRAP)
_PREFIXES: Prefixes = {
    part: (head, head + _WRAP, _WRAP + head)
    for part, head in {"unet": "unet.", "te1": "text_encoder.", "te2": "text_encoder_2."}.items()
}
_ATTENTION = re.compile(r"(.*\.attn[12])\.(to_q|to_k|to_v|to_out)(?:\.0)?")
_TEXT_ATTENTION = re.compile(r"(.*\.self_attn)\.(q|k|v|out)_proj")


def _heads(name: ModuleName, family: Family) -> tuple[str, ...]:
    own = prefixes_of(name, family, _PREFIXES, _BARE)
    return (*_BARE, *own) if name.part == "unet" else own


def _spell(name: ModuleName, family: Family) -> tuple[str, ...]:
    return tuple(head + path for head in _heads(name, family) for path in paths_of(name))


def _spell_processor(name: ModuleName, family: Family) -> tuple[str, ...]:
    if name.part == "unet":
        match = _ATTENTION.fullmatch(name.path)
        paths = [f"{match[1]}.processor.{match[2]}"] if match else []
    else:
        found = [_TEXT_ATTENTION.fullmatch(path) for path in paths_of(name)]
        paths = [f"{match[1]}.to_{match[2]}" for match in found if match]
    return tuple(head + path for head in _heads(name, family) for path in paths)


PROCESSOR = Scheme(
    name="diffusers-processor",
    title="diffusers before 0.22 (unet....attn1.processor.to_q_lora)",
    pattern=r"(?![a-z]+_unet|lora_)\S*(\.processor\.to_|\.self_attn\.to_)",
    spell=_spell_processor,
)
PEFT = Scheme(
    name="peft",
    title="diffusers and PEFT (unet.down_blocks.0....lora_A)",
    pattern=r"(base_model\.model\.|unet\.|text_encoder\.|text_encoder_2\.|(down|up)_blocks\.|mid_block\."
    r"|conv_(in|out|norm_out)|(time|add)_embedding\.|text_model\.|encoder\.|embeddings\.|final_layer_norm|text_projection)",
    spell=_spell,
)
