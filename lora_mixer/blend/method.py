"""What a method of blending is to the engines: how the changes that several adapters make to one module become one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from lora_mixer.adapters import Delta, Layer, Weights
from lora_mixer.blend.arrange import Arrange
from lora_mixer.blend.block_scales import BlockScales
from lora_mixer.blend.branch import Branch
from lora_mixer.blend.linear_sum import Joined
from lora_mixer.blend.stack import Term
from lora_mixer.modules import ModuleName

Change = Callable[[ModuleName, Weights, Sequence[Term], Mapping[str, float]], Delta]
"""D and the change of the bias: given the module's name, its W0 and bias in float32, its terms in canonical order and the
method's numbers."""
Beside = Callable[[nn.Module, Mapping[str, Layer], Sequence[str], BlockScales, torch.device], Branch]
"""What stands beside a module: given it, its layers by adapter, the order of adapters, its block's strengths, its device."""


class Factored(NamedTuple):
    """A merge by thin factors, which is sooner done than by whole changes, with the same result.

    Attributes:
        join: Returns what of the merge hangs on the adapters and not on their strengths: it is kept.
        merge: Returns the merged weights, given the pristine ones, the terms, `joined` and `spare` weights or None.
    """

    join: Callable[[Weights, Sequence[Term]], Joined]
    merge: Callable[..., Weights]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blend:
    """What a method does with weights: a row of `lora_mixer.blend.methods`.

    Attributes:
        name: Its name in `lora_mixer.choices.METHODS`.
        change: The change of a module as a whole; what is exported and measured.
        factored: The same merge by factors; None where only whole changes will do.
        beside: The same beside the weights; None where there is no such form, and only the engine `merged` will do.
        linear: Whether it is the sum of strengths times changes: then factors may stand side by side in an exported LoRA,
            and inner products tell a mix's size.
        arrange: What it makes of a mix before anything lies on weights; None where it leaves the mix as it is. Of what
            comes out the rest of the row is told.
    """

    name: str
    change: Change
    factored: Factored | None = None
    beside: Beside | None = None
    linear: bool = False
    arrange: Arrange | None = None
