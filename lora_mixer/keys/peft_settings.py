"""What PEFT writes about a file beside its tensors: the method, and what alpha is divided by.

A file of PEFT holds no alpha. It stands in `adapter_config.json` in the file's folder (PEFT `config.py`,
`save_pretrained`), or in the header under `lora_adapter_metadata`, by component (diffusers `loaders/lora_base.py`,
`_pack_dict_with_prefix`). The factor on a module's product is alpha / r, or alpha / sqrt(r) with `use_rslora`
(arXiv 2312.03732), each with the exceptions of `alpha_pattern` and `rank_pattern`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lora_mixer.keys.methods import BY_PEFT
from lora_mixer.keys.peft_patterns import Patterns

LARGEST_RANK = 2**20
OFT_TERMS = 5
"""How many terms of the Neumann series are taken where nothing says so: the number OneTrainer and PEFT begin with."""

_MOVE_THE_BASE = ("pissa", "olora", "corda", "loftq", "lora_ga")
"""Beginnings of `init_lora_weights` that take something out of the base model, which the file alone does not put back.

Source: PEFT `tuners/lora/layer.py` (`pissa_init`, `olora_init`, `corda_init`, `loftq_init`, `lora_ga_init`).
"""
_VARIANTS = {
    "use_qalora": "QA-LoRA",
    "use_bdlora": "BD-LoRA",
    "arrow_config": "Arrow",
    "kasa_config": "KaSA",
    "alora_invocation_tokens": "activated LoRA (aLoRA)",
    "monteclora_config": "MonteCLoRA",
    "layer_replication": "LoRA on replicated layers",
    "target_parameters": "LoRA on bare parameters",
}
"""Settings of PEFT's `LoraConfig` that make something else of the same tensors, and what that is called."""


class Scale(NamedTuple):
    """What a module's product is multiplied by, and how that came about."""

    value: float
    words: str  # "4/16", "4/sqrt(16)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One component's settings (the UNet's, a text encoder's).

    Attributes:
        method: PEFT's `peft_type`, in capitals.
        rank: The rank of every module that `ranks` does not name; None for methods without.
        alpha: The same for alpha.
        ranks: Exceptions.
        alphas: Exceptions.
        rank_stabilised: Whether alpha is divided by the root of the rank.
        numbers: What OFT needs to know: `terms` of its series (0 = none, an exact inverse), `coft`.
    """

    method: str
    rank: int | None
    alpha: float | None
    ranks: Patterns
    alphas: Patterns
    rank_stabilised: bool = False
    numbers: Mapping[str, float] = field(default_factory=dict)

    def rank_of(self, path: str) -> int | None:
        """Return the rank a module should have."""
        special = self.ranks.get(path)
        return self.rank if special is None else int(special)

    def scale(self, path: str, rank: int) -> Scale | None:
        """Return the factor on the product of a module of some rank; None if these settings know none."""
        special = self.alphas.get(path)
        alpha = self.alpha if special is None else special
        if alpha is None:
            return None
        if self.rank_stabilised:
            return Scale(alpha / math.sqrt(rank), f"{alpha:g}/sqrt({rank})")
        return Scale(alpha / rank, f"{alpha:g}/{rank}")


class RefusedMethod(NamedTuple):
    """A method that cannot be applied: its name, and what to do instead."""

    title: str
    remedy: str


def refusal(table: Mapping[str, object]) -> RefusedMethod | None:
    """Return why a file with these settings cannot be applied, whatever its tensors are; None if it can."""
    method = _method(table)
    if method in BY_PEFT:
        return RefusedMethod(BY_PEFT[method].title, "Use a LoRA, LoHa, LoKr or OFT of the same training.")
    if method not in {"LORA", "LOHA", "LOKR", "OFT"}:
        return RefusedMethod(f"PEFT's {method.title().replace('_', ' ')}", "Use a LoRA, LoHa, LoKr or OFT.")
    start = table.get("init_lora_weights")
    begun = start.lower() if isinstance(start, str) else ""
    if begun.startswith(_MOVE_THE_BASE):
        return RefusedMethod(
            f"a LoRA begun by {start!r}, which changes the base model too",
            "Save it again with path_initial_model_for_weight_conversion, which makes a plain LoRA of it.",
        )
    variant = next((title for key, title in _VARIANTS.items() if table.get(key)), None)
    return RefusedMethod(variant, "Use a plain LoRA of the same training.") if variant else None


def component_of(table: Mapping[str, object]) -> Component:
    """Return a component's settings.

    Raises:
        ValueError: They contradict what PEFT writes; the sentence says how.
    """
    method = _method(table)
    alpha = "lora_alpha" if method == "LORA" else "alpha"
    return Component(
        method=method,
        rank=None if method == "OFT" else _rank(table, "r"),
        alpha=None if method == "OFT" else _number(table, alpha),
        ranks=Patterns({key: _whole(f"rank_pattern of {key}", value) for key, value in _table(table, "rank_pattern")}),
        alphas=Patterns(
            {key: _real(f"alpha_pattern of {key}", value) for key, value in _table(table, "alpha_pattern")}
        ),
        rank_stabilised=method == "LORA" and table.get("use_rslora") is True,
        numbers=_oft(table) if method == "OFT" else {},
    )


def _method(table: Mapping[str, object]) -> str:
    method = table.get("peft_type")
    return str(method).rpartition(".")[2].upper()[:40] if method else "LORA"


def _oft(table: Mapping[str, object]) -> Mapping[str, float]:
    terms = _whole("num_cayley_neumann_terms", table.get("num_cayley_neumann_terms", OFT_TERMS))
    exact = table.get("use_cayley_neumann", True) is not True
    numbers = {"terms": 0.0 if exact else float(min(terms, 64))}
    return numbers | ({"coft": _real("eps", table.get("eps", 6e-5))} if table.get("coft") is True else {})


def _rank(table: Mapping[str, object], key: str) -> int | None:
    return _whole(key, table[key]) if key in table else None


def _number(table: Mapping[str, object], key: str) -> float | None:
    return _real(key, table[key]) if key in table else None


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST_RANK:
        raise ValueError(f"its {name[:80]} is {_shown(value)}, no whole number above 0")
    return value


def _real(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 2**40:
        raise ValueError(f"its {name[:80]} is {_shown(value)}, no usable number")
    return float(value)


def _table(table: Mapping[str, object], key: str) -> list[tuple[str, object]]:
    found = table.get(key) or {}
    if not isinstance(found, dict):
        raise ValueError(f"its {key} is no table")  # noqa: TRY004 - a wrong file, not a wrong call
    return list(found.items())


def _shown(value: object) -> str:
    return repr(value)[:40]
