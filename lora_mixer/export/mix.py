"""What can be baked: one mix that is the same at every step, everywhere, for every text."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from lora_mixer.blend import Stack
from lora_mixer.errors import RequestError
from lora_mixer.export.writing import nothing_changes
from lora_mixer.models import Model

KEY = "lora_mixer.bake"
"""The metadata key under which a baked file says what went into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """One adapter of a mix, for the metadata.

    Attributes:
        name: The name it was asked for by.
        sha256: The digest of its file.
        strength: Its strength, as plain values.
    """

    name: str
    sha256: str
    strength: object


@dataclass(frozen=True, slots=True, kw_only=True)
class StaticMix:
    """A mix on the model it lies on.

    Attributes:
        model: The open model.
        stack: The mix.
        ingredients: Its adapters, in the order they were named.
        version: Of this program.
        check: Raises if a source file has changed; called before the baked file gets its name.
    """

    model: Model
    stack: Stack
    ingredients: tuple[Ingredient, ...]
    version: str
    check: Callable[[], None] = nothing_changes

    @property
    def embeddings(self) -> Mapping[str, Mapping[str, Tensor]]:
        """The textual inversions that the adapters bring."""
        return {word: vectors for placed in self.stack.placed for word, vectors in placed.adapter.embeddings.items()}

    def described(self) -> str:
        """Return what went into it, as JSON."""
        made = {"name": self.model.name, "sha256": self.model.digest, "vae_sha256": self.model.vae_digest}
        loras = [{"name": i.name, "sha256": i.sha256, "strength": i.strength} for i in self.ingredients]
        return json.dumps(
            {"program": f"lora-mixer {self.version}", "model": made, "loras": loras, "method": str(self.stack.method)}
        )


def require_static(stacks: Sequence[Stack], names: Collection[str]) -> Stack:
    """Return the one mix that acts at every step, everywhere and on every text.

    Args:
        stacks: Every mix that acts somewhere in the request, without repeats.
        names: The names of the adapters, for the errors.

    Raises:
        RequestError: There is none: no LoRA, or one that comes and goes, acts on the negative prompt only, on a part
            of the picture, or otherwise from step to step; or one gives biases to layers that have none.
    """
    if not names:
        raise RequestError(
            "there is no LoRA in the mix", remedy="Add <lora:NAME:STRENGTH> tags or --lora NAME=STRENGTH."
        )
    if len(stacks) != 1:
        raise RequestError(
            f"the mix of {', '.join(names)} is not the same for all steps and texts, and weights hold one mix",
            remedy="Take tags out of [..|..:..] schedules, AND parts and the negative prompt.",
        )
    (stack,) = stacks
    if stack.curved:
        raise RequestError("a strength that changes over the steps cannot be baked", remedy="Take the curve off.")
    if stack.masked:
        raise RequestError("a mask cannot be baked: weights act everywhere", remedy="Take the mask off.")
    _require_no_new_biases(stack)
    return stack


def _require_no_new_biases(stack: Stack) -> None:
    for placed in stack.placed:
        if any(layer.new_bias for layer in placed.adapter.layers.values()):
            raise RequestError(
                f"{placed.adapter.name} gives biases to layers that have none, and other programs read no such weights",
                remedy="Use it as a LoRA, or take it out of the mix that is baked.",
            )
