"""The algebra of adapters: tensors in, a change of weights out. No modules, devices or files."""

from lora_mixer.adapters.kind import Delta, Factors, Hints, Kind, Shape, Slots, Weights
from lora_mixer.adapters.kinds import KINDS, recognise
from lora_mixer.adapters.layer import Layer, make_layer

__all__ = [
    "KINDS",
    "Delta",
    "Factors",
    "Hints",
    "Kind",
    "Layer",
    "Shape",
    "Slots",
    "Weights",
    "make_layer",
    "recognise",
]
