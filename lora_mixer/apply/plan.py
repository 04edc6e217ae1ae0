"""Which engine applies a batch's mixes, and why: the choice and its reason go into the record."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from lora_mixer.apply.masks import open_mask
from lora_mixer.apply.stack import Stack
from lora_mixer.errors import RequestError

ENGINES = ("auto", "merged", "side")

MASKED = (
    "a mask acts on a part of the picture; on text (text encoders, the UNet's keys and values) its LoRA acts with the "
    "mask's mean"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPlan:
    """The engine for a batch, by name, and why it was picked."""

    engine: str
    reason: str


def plan_for(stacks: Collection[Stack], *, engine: str = "auto") -> ApplyPlan:
    """Return the plan for a batch in which these mixes act.

    One mix that stays the same is merged: it then costs nothing per step. Several mixes in one batch, or strengths
    that change over the steps, go beside the weights, where a row's strengths are just numbers.

    Args:
        stacks: Every mix that acts on some row at some step.
        engine: `auto`, or the engine that was asked for.

    Raises:
        RequestError: There is no such engine, or the one that was asked for cannot do it.
    """
    if engine not in ENGINES:
        raise RequestError(f"there is no engine {engine!r}", remedy=f"Use one of {', '.join(ENGINES)}.")
    masked = any(stack.masked for stack in stacks)
    if masked and engine == "merged":
        raise RequestError(
            "a mask has no merged form: merged weights act everywhere in the picture",
            remedy="Use the engine side or auto, or take the mask off.",
        )
    if masked:
        _open_masks(stacks)
        return ApplyPlan(engine="side", reason=MASKED)
    if engine != "auto":
        return ApplyPlan(engine=engine, reason="asked for")
    if len(set(stacks)) > 1:
        return ApplyPlan(engine="side", reason=f"{len(set(stacks))} mixes in one batch")
    if any(stack.curved for stack in stacks):
        return ApplyPlan(engine="side", reason="a strength changes over the steps")
    return ApplyPlan(engine="merged", reason="one mix for the whole batch")


def _open_masks(stacks: Collection[Stack]) -> None:
    """Open every mask, so that a bad one is said before the first step."""
    for placed in (placed for stack in stacks for placed in stack.placed):
        if placed.strength.mask is not None:
            open_mask(placed.strength.mask)
