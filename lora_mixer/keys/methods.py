"""Ways of adapting a model that are not applied here, by the names their makers gave them.

Sources: PEFT `utils/peft_types.py` and `adapter_layer_names` of every `tuners/*/layer.py`; LyCORIS `modules/*.py`
(`weight_list`); ControlNet-LLLite (sd-scripts `networks/control_net_lllite.py`); T-LoRA (ControlGenAI); IP-Adapter
(tencent-ailab); x-flux (XLabs-AI).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One row: a method, and what the keys of its tensors hold that no other's do.

    Attributes:
        title: The name people know it by.
        peft: PEFT's `peft_type`; empty if it is none of PEFT's.
        words: Components of a key, between dots; one that ends in `_` stands for all that begin so.
        starts: Beginnings of a whole key.
        beside: Whether its tensors lie beside a LoRA's, which mean the same without them.
    """

    title: str
    peft: str = ""
    words: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    beside: bool = False


METHODS: tuple[Method, ...] = (
    Method(title="AdaLoRA", peft="ADALORA", words=("lora_E", "ranknum")),
    Method(title="AdaMSS", peft="ADAMSS", words=("adamss_",)),
    Method(title="BEFT", peft="BEFT", words=("beft_",)),
    Method(title="PEFT's BOFT", peft="BOFT", words=("boft_R", "boft_s")),
    Method(title="C3A", peft="C3A", words=("c3a_",)),
    Method(title="DEFT", peft="DEFT", words=("deft_",)),
    Method(title="DeLoRA", peft="DELORA", words=("delora_",)),
    Method(title="FourierFT", peft="FOURIERFT", words=("fourierft_",)),
    Method(title="FRoD", peft="FROD", words=("frod_",)),
    Method(title="PEFT's GLoRA", peft="GLORA", words=("glora_",)),
    Method(title="GraLoRA", peft="GRALORA", words=("gralora_",)),
    Method(title="HiRA", peft="HIRA", words=("hira_",)),
    Method(title="HRA", peft="HRA", words=("hra_",)),
    Method(title="PEFT's IA3", peft="IA3", words=("ia3_l",)),
    Method(title="KaSA", words=("lora_diag",)),
    Method(title="Lily", peft="LILY", words=("lily_",)),
    Method(title="LayerNorm tuning", peft="LN_TUNING", words=("ln_tuning_",)),
    Method(title="MiSS", peft="MISS", words=("miss_",)),
    Method(title="OSF", peft="OSF", words=("osf_",)),
    Method(title="PEANuT", peft="PEANUT", words=("peanut_",)),
    Method(title="Poly", peft="POLY", words=("poly_",)),
    Method(title="PSOFT", peft="PSOFT", words=("psoft_",)),
    Method(title="PVeRA", peft="PVERA", words=("pvera_",)),
    Method(title="RandLoRA", peft="RANDLORA", words=("randlora_",)),
    Method(title="RoAd", peft="ROAD", words=("road_",)),
    Method(title="SHiRA", peft="SHIRA", words=("shira_",)),
    Method(title="SuperTuning", peft="SUPERTUNING", words=("supertuning_",)),
    Method(title="TinyLoRA", peft="TINYLORA", words=("tinylora_",)),
    Method(title="trainable tokens", peft="TRAINABLE_TOKENS", words=("trainable_tokens_", "token_adapter")),
    Method(title="Uni-LoRA", peft="UNILORA", words=("unilora_",)),
    Method(title="VB-LoRA", peft="VBLORA", words=("vblora_",)),
    Method(title="VeRA", peft="VERA", words=("vera_",)),
    Method(title="WaveFT", peft="WAVEFT", words=("waveft_",)),
    Method(title="X-LoRA", peft="XLORA", words=("xlora_", "internal_xlora_classifier")),
    Method(title="Bone", words=("lora_block", "bone_")),
    Method(title="T-LoRA", words=("q_layer", "p_layer", "lambda_layer", "base_q", "base_p", "base_lambda")),
    Method(title="GLoRA with a core bm", words=("bm",)),
    Method(title="ControlNet-LLLite", starts=("lllite_",)),
    Method(title="a Control-LoRA", words=("lora_controlnet",), starts=("input_hint_block.", "zero_convs.")),
    Method(title="a ControlNet", starts=("controlnet", "control_model.")),
    Method(title="an IP-Adapter", words=("to_k_ip", "to_v_ip"), starts=("ip_adapter.", "image_proj."), beside=True),
    Method(
        title="an XLabs LoRA for Flux",
        words=("qkv_lora1", "qkv_lora2", "proj_lora1", "proj_lora2", "qkv_lora", "proj_lora"),
    ),
)
"""The first row that a key matches names it; `peft` is compared with an `adapter_config.json`."""

BY_PEFT = {row.peft: row for row in METHODS if row.peft}

_WORDS = {word: row for row in METHODS for word in row.words if not word.endswith("_")}
_STARTS = tuple(start for row in METHODS for start in row.starts)
_BEGINNINGS: dict[str, list[tuple[str, Method]]] = defaultdict(list)
for _row in METHODS:
    for _word in _row.words:
        if _word.endswith("_"):
            _BEGINNINGS[_word.partition("_")[0]].append((_word, _row))


def method_of(key: str) -> Method | None:
    """Return the method that a tensor's key shows, or None if it is none of the table.

    >>> method_of("base_model.model.mid_block.attentions.0.proj_in.vera_lambda_b").title
    'VeRA'
    """
    for word in key.rsplit(".", 4):
        if word in _WORDS:
            return _WORDS[word]
        for beginning, row in _BEGINNINGS.get(word.partition("_")[0], ()):
            if word.startswith(beginning):
                return row
    if not key.startswith(_STARTS):
        return None
    return next(row for row in METHODS if row.starts and key.startswith(row.starts))
