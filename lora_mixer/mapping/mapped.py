"""An adapter on a model: every group a layer of a module, and the account of every tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from lora_mixer.adapters import Layer
from lora_mixer.keys import FamilyGuess
from lora_mixer.mapping.report import MappingReport
from lora_mixer.modules import ModuleName, ModuleSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedAdapter:
    """An adapter that fits a model.

    Attributes:
        name: The name its user knows it by.
        digest: The sha256 of its file.
        family_guess: The base model it was made for, judged by its tensors.
        layers: What it changes, by module.
        modules: What these modules are on the model.
        embeddings: Textual inversions it brings: prompt word -> field (`clip_l`, ...) -> tensor.
        report: Where every tensor of the file went.
    """

    name: str
    digest: str
    family_guess: FamilyGuess
    layers: Mapping[ModuleName, Layer]
    modules: Mapping[ModuleName, ModuleSpec]
    embeddings: Mapping[str, Mapping[str, Tensor]]
    report: MappingReport
