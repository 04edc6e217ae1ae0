"""OpenCLIP's names of text encoders, behind kohya's prefixes: q, k and v are one module there, `attn.in_proj`.

Source: OpenCLIP `src/open_clip/transformer.py` (`ResidualAttentionBlock`), wrapped as `model` by the original SD 2 and
SDXL code; only those two families have such an encoder.
"""

from __future__ import annotations

import re

from lora_mixer.keys.kohya import ALONE, PREFIXES
from lora_mixer.keys.scheme import Scheme, prefixes_of
from lora_mixer.modules import Family, ModuleName

STACKED = ("q_proj", "k_proj", "v_proj")
_INNER = {
    **{f"self_attn.{last}": "attn.in_proj" for last in STACKED},
    "self_attn.out_proj": "attn.out_proj",
    "layer_norm1": "ln_1",
    "layer_norm2": "ln_2",
    "mlp.fc1": "mlp.c_fc",
    "mlp.fc2": "mlp.c_proj",
}
_ALONE = {
    "text_model.embeddings.token_embedding": "token_embedding",
    "text_model.final_layer_norm": "ln_final",
}
_LAYER = re.compile(r"text_model\.encoder\.layers\.(\d+)\.(.+)")


def _path(path: str) -> str | None:
    match = _LAYER.fullmatch(path)
    if match and match[2] in _INNER:
        return f"transformer.resblocks.{match[1]}.{_INNER[match[2]]}"
    return _ALONE.get(path)


def _spell(name: ModuleName, family: Family) -> tuple[str, ...]:
    path = _path(name.path) if name.part == "te2" or (name.part == "te1" and family is Family.SD2) else None
    if path is None:
        return ()
    flat = path.replace(".", "_")
    prefixes = prefixes_of(name, family, PREFIXES, ALONE)
    return tuple(f"{prefix}_{level}{flat}" for prefix in prefixes for level in ("model_", ""))


OPENCLIP = Scheme(
    name="openclip",
    title="OpenCLIP text encoder (lora_te2_model_transformer_resblocks_0_attn_in_proj)",
    pattern=r"lora_te[12]?_(model_)?(transformer_resblocks|token_embedding|ln_final)",
    spell=_spell,
    stacks=STACKED,
)
