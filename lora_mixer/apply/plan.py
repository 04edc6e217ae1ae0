"""Which engine applies a batch's mixes, and why: the choice and its reason go into the record."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from lora_mixer.apply.costs import Cost, Costs, Render, merge_work, side_work
from lora_mixer.apply.masks import open_mask
from lora_mixer.apply.stack import Stack
from lora_mixer.errors import RequestError

ENGINES = ("auto", "merged", "side")
MASKED = (
    "a mask acts on a part of the picture; on text (text encoders, the UNet's keys and values) its LoRA acts with the "
    "mask's mean"
)
# A merge is kept for the next picture of the same mix, the side path's time is gone: it must be worth twice as much.
WORTH = 0.5
# One core of an AVX512-BF16 machine. Where another machine would have to differ by more than `DOUBT` times for the
# other engine to win, nothing is measured.
TYPICAL = Costs(merge=Cost(3e-5, 1e-10, 4e-12), side=Cost(4e-5, 3e-10, 5e-12))
DOUBT = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPlan:
    """The engine for a batch, by name, and why it was picked."""

    engine: str
    reason: str


def plan_for(
    stacks: Collection[Stack], *, engine: str = "auto", render: Render, costs: Callable[[], Costs]
) -> ApplyPlan:
    """Return the plan for a batch in which these mixes act.

    Several mixes in one batch, strengths that change over the steps and masks go beside the weights, where a row's
    strengths are just numbers. One mix that stays the same is merged where that costs less than the side path would
    over all steps. The choice depends on nothing but its arguments.

    Args:
        stacks: Every mix that acts on some row at some step.
        engine: `auto`, or the engine that was asked for.
        render: How much there is to do.
        costs: What the engines cost on this machine; called only if the choice hangs on it.

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
    return _cheaper(next(iter(stacks)), render, costs)


def _cheaper(stack: Stack, render: Render, costs: Callable[[], Costs]) -> ApplyPlan:
    """Return the plan for one mix that stays the same."""
    merge, side = merge_work(stack), side_work(stack, render)
    if not merge.modules:
        return ApplyPlan(engine="merged", reason="no LoRA acts on the UNet")
    ratio = render.steps * TYPICAL.side.of(side) / TYPICAL.merge.of(merge) / WORTH
    if not 1 / DOUBT < ratio < DOUBT:
        name = "merged" if ratio > 1 else "side"
        return ApplyPlan(engine=name, reason=f"one mix over {_steps(render)}: that is the cheaper way on any machine")
    here = costs()
    once, each = here.merge.of(merge), here.side.of(side)
    return ApplyPlan(
        engine="merged" if render.steps * each > WORTH * once else "side",
        reason=f"one mix over {_steps(render)}: measured here, merging takes about {1000 * once:.0f} ms once, the side "
        f"path {1000 * each:.0f} ms a step",
    )


def _steps(render: Render) -> str:
    return "1 step" if render.steps == 1 else f"{render.steps} steps"


def _open_masks(stacks: Collection[Stack]) -> None:
    """Open every mask, so that a bad one is said before the first step."""
    for placed in (placed for stack in stacks for placed in stack.placed):
        if placed.strength.mask is not None:
            open_mask(placed.strength.mask)
