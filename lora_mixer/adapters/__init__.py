"""The algebra of adapters: tensors in, a change of weights out. No modules, devices or files.

`make_layer` checks a group of slots against its layer; the `Layer` it returns gives the change of the weight
(`delta`), its low-rank factors where there are some (`factors`), and what to add to the layer's output instead
(`side`).
"""

from lora_mixer.adapters.compress import Compressed, compress_factors, compress_matrix
from lora_mixer.adapters.dora import file_hints
from lora_mixer.adapters.inner import Change, change_of, inner
from lora_mixer.adapters.kind import Delta, Factors, Hints, Kind, Weights
from lora_mixer.adapters.kinds import KINDS, detect
from lora_mixer.adapters.layer import Layer
from lora_mixer.adapters.making import has_sane_values, make_layer
from lora_mixer.adapters.side import (
    Dense,
    InputGain,
    Kronecker,
    LayerOp,
    LowRank,
    OutputGain,
    Rotation,
    Shift,
    SideTerm,
    concatenate,
    on_batch,
)
from lora_mixer.adapters.slots import Axis, Slots
from lora_mixer.modules import Shape
from lora_mixer.renamed import moved

__all__ = [
    "KINDS",
    "Axis",
    "Change",
    "Compressed",
    "Delta",
    "Dense",
    "Factors",
    "Hints",
    "InputGain",
    "Kind",
    "Kronecker",
    "Layer",
    "LayerOp",
    "LowRank",
    "OutputGain",
    "Rotation",
    "Shape",
    "Shift",
    "SideTerm",
    "Slots",
    "Weights",
    "change_of",
    "compress_factors",
    "compress_matrix",
    "concatenate",
    "detect",
    "file_hints",
    "has_sane_values",
    "inner",
    "make_layer",
    "on_batch",
]

__getattr__ = moved(__name__)
