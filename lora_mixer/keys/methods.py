"""Ways of adapting a model that are not applied here, by the names their makers gave them.

Sources: PEFT `utils/peft_types.py` and the `prefix` of every `tuners/*/model.py`; LyCORIS `modules/*.py`;
ControlNet-LLLite (sd-scripts `networks/control_net_lllite.py`); T-LoRA (ControlGenAI); IP-Adapter (tencent-ailab);
x-flux (XLabs-AI).
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One row: a method, PEFT's word for it, and what the names of its tensors hold.

    Attributes:
        title: The name people know it by.
        peft: PEFT's `peft_type`; empty if it is none of PEFT's.
        pattern: A regular expression that only keys of this method match.
        beside: Whether its tensors lie beside a LoRA's, which mean the same without them.
    """

    title: str
    peft: str = ""
    pattern: str
    beside: bool = False


def _prefixed(title: str, peft: str, *prefixes: str) -> Method:
    """Return a row for a method whose tensors' names begin with one of some words, each after a dot."""
    return Method(title=title, peft=peft, pattern=rf"(^|\.)({'|'.join(prefixes)})")


METHODS: tuple[Method, ...] = (
    _prefixed("AdaLoRA", "ADALORA", r"lora_E(\.|$)", r"ranknum(\.|$)"),
    _prefixed("AdaMSS", "ADAMSS", "adamss_"),
    _prefixed("BEFT", "BEFT", "beft_"),
    _prefixed("PEFT's BOFT", "BOFT", "boft_[RS]", "boft_s"),
    _prefixed("C3A", "C3A", "c3a_"),
    _prefixed("DEFT", "DEFT", "deft_"),
    _prefixed("DeLoRA", "DELORA", "delora_"),
    _prefixed("FourierFT", "FOURIERFT", "fourierft_"),
    _prefixed("FRoD", "FROD", "frod_"),
    _prefixed("PEFT's GLoRA", "GLORA", "glora_"),
    _prefixed("GraLoRA", "GRALORA", "gralora_"),
    _prefixed("HiRA", "HIRA", "hira_"),
    _prefixed("HRA", "HRA", "hra_"),
    _prefixed("PEFT's IA3", "IA3", "ia3_l"),
    _prefixed("KaSA", "", r"lora_diag(\.|$)"),
    _prefixed("Lily", "LILY", "lily_"),
    _prefixed("LayerNorm tuning", "LN_TUNING", "ln_tuning_"),
    _prefixed("MiSS", "MISS", "miss_"),
    _prefixed("OSF", "OSF", "osf_"),
    _prefixed("PEANuT", "PEANUT", "peanut_"),
    _prefixed("Poly", "POLY", "poly_"),
    _prefixed("PSOFT", "PSOFT", "psoft_"),
    _prefixed("PVeRA", "PVERA", "pvera_"),
    _prefixed("RandLoRA", "RANDLORA", "randlora_"),
    _prefixed("RoAd", "ROAD", "road_"),
    _prefixed("SHiRA", "SHIRA", "shira_"),
    _prefixed("TinyLoRA", "TINYLORA", "tinylora_"),
    _prefixed("trainable tokens", "TRAINABLE_TOKENS", "trainable_tokens_", "token_adapter"),
    _prefixed("Uni-LoRA", "UNILORA", "unilora_"),
    _prefixed("VB-LoRA", "VBLORA", "vblora_"),
    _prefixed("VeRA", "VERA", "vera_"),
    _prefixed("WaveFT", "WAVEFT", "waveft_"),
    _prefixed("X-LoRA", "XLORA", "xlora_", "internal_xlora"),
    _prefixed("Bone", "", r"lora_block(\.|$)", "bone_"),
    _prefixed("SuperTuning", "SUPERTUNING", "supertuning_"),
    _prefixed("T-LoRA", "", r"(q|p|lambda)_layer(\.|$)", r"base_(q|p|lambda)(\.|$)"),
    _prefixed("GLoRA with a factor bm", "", r"bm\.weight$"),
    Method(title="ControlNet-LLLite", pattern=r"^lllite_"),
    Method(title="a Control-LoRA", pattern=r"(^|\.)lora_controlnet$|^(input_hint_block|zero_convs|middle_block_out)\."),
    Method(
        title="a ControlNet",
        pattern=r"^(controlnet|control_model)[._]|^controlnet_(cond_embedding|down_blocks|mid_block)",
    ),
    Method(title="an IP-Adapter", pattern=r"^(ip_adapter|image_proj)\.|\.to_[kv]_ip(\.|$)", beside=True),
    Method(title="an XLabs LoRA for Flux", pattern=r"(double|single)_blocks\.\d+\.processor\.(proj|qkv)_lora"),
    Method(title="a hypernetwork", pattern=r"^(320|640|768|1024|1280)\.\d+\.linear"),
)
"""The first row that a key matches names it; `peft` is compared with an `adapter_config.json`."""

BY_PEFT = {row.peft: row for row in METHODS if row.peft}

_COMPILED = tuple((row, re.compile(row.pattern)) for row in METHODS)
_ANY = re.compile("|".join(f"(?:{row.pattern})" for row in METHODS))


def method_of(key: str) -> Method | None:
    """Return the method that a tensor's key shows, or None if it is none of the table.

    >>> method_of("base_model.model.mid_block.attentions.0.proj_in.vera_lambda_b").title
    'VeRA'
    """
    if _ANY.search(key) is None:
        return None
    return next((row for row, pattern in _COMPILED if pattern.search(key)), None)
