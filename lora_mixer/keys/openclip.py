"""OpenCLIP's names of text encoders, behind kohya's prefixes: q, k and v are one module there, `attn.in_proj`.

Source: OpenCLIP `src/open_clip/transformer.py` (`ResidualAttentionBlock`), wrapped as `model` by the original SD 2 and
SDXL code; the families' records say which encoders are of it.
"""

from __future__ import annotations

import re

from lora_mixer.families import Family
from lora_mixer.keys.scheme import Scheme, of_text_encoders
from lora_mixer.modules import ModuleName

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
    encoder = family.encoder(name.part)
    path = _path(name.path) if encoder is not None and encoder.open_clip else None
    if encoder is None or path is None:
        return ()
    flat = path.replace(".", "_")
    return tuple(f"{prefix}_{level}{flat}" for prefix in encoder.kohya for level in ("model_", ""))


OPENCLIP = Scheme(
    name="openclip",
    title="OpenCLIP text encoder (lora_te2_model_transformer_resblocks_0_attn_in_proj)",
    pattern=lambda: f"(?:{of_text_encoders()})_(?:model_)?(?:transformer_resblocks|token_embedding|ln_final)",
    spell=_spell,
    stacks=STACKED,
)
