"""Which engine applies a batch's mixes, and why: the choice and its reason go into the record."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from lora_mixer.blend.costs import TYPICAL, Costs, Render, Work, merge_work, side_work
from lora_mixer.blend.methods import blend_of
from lora_mixer.blend.stack import Stack
from lora_mixer.choices import MethodRow
from lora_mixer.errors import RequestError
from lora_mixer.render_options import ENGINES
from lora_mixer.wording import counted

MASKED = (
    "a mask acts on a part of the picture; on text (text encoders, the denoiser's keys and values) its LoRA acts with the "
    "mask's mean"
)
# A merge is reused by the next picture of the same mix, so the side path must win by a factor of two.
WORTH = 0.5
DOUBT = 6.0
"""Nothing is measured if the typical costs differ by more than this factor."""
TIE = 1.5
"""Measurements vary by this factor; closer than that, the mix is merged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyPlan:
    """The engine of a batch, and why it was chosen."""

    engine: str
    reason: str


def plan_for(
    stacks: Collection[Stack],
    *,
    engine: str = "auto",
    render: Render,
    costs: Callable[[], Costs],
    resting: bool = False,
) -> ApplyPlan:
    """Return the plan for a batch in which these mixes act.

    Several mixes in one batch, strengths that change over the steps and masks go beside the weights, where a row's
    strengths are just numbers. One mix that stays the same is merged where that costs less than the side path would
    over all steps. With `auto` the choice depends on the mixes and the render alone, so that a command gives the same
    pixels wherever and whenever it is run. A method of blending without a form beside the weights is merged, always.

    Args:
        stacks: Every mix that acts on some row at some step.
        engine: `auto`, `measured`, or the engine that was asked for.
        render: The size of the render.
        costs: What the engines cost on this machine; called only for `measured`, and only if the choice hangs on it.
        resting: Whether weights rest elsewhere and only visit: then mixes go beside them where that may be chosen.

    Raises:
        RequestError: There is no such engine, or the one that was asked for cannot do it.
    """
    if engine not in ENGINES:
        raise RequestError(f"there is no engine {engine!r}", remedy=f"Use one of {', '.join(ENGINES)}.")
    dense = next((stack.method.row for stack in stacks if blend_of(stack.method).beside is None), None)
    if dense is not None:
        return _merged_only(dense, stacks, engine)
    if engine in {"auto", "measured"} and resting:
        engine = "side"
    masked = any(stack.masked for stack in stacks)
    if masked and engine == "merged":
        raise RequestError(
            "a mask has no merged form: merged weights act everywhere in the picture",
            remedy="Use the engine side or auto, or take the mask off.",
        )
    if masked:
        _open_masks(stacks)
        return ApplyPlan(engine="side", reason=MASKED)
    if engine in {"merged", "side"}:
        return ApplyPlan(engine=engine, reason="asked for")
    if len(set(stacks)) > 1:
        return ApplyPlan(engine="side", reason=f"{len(set(stacks))} mixes in one batch")
    if any(stack.curved for stack in stacks):
        return ApplyPlan(engine="side", reason="a strength changes over the steps")
    return _cheaper(next(iter(stacks)), render, costs if engine == "measured" else None)


def _merged_only(method: MethodRow, stacks: Collection[Stack], engine: str) -> ApplyPlan:
    """Return the plan for a method that weighs whole changes of weights against each other.

    Raises:
        RequestError: Something that is asked for has no merged form.
    """
    if engine == "side":
        raise RequestError(
            f"{method.title} has no side path: it weighs whole changes of weights against each other",
            remedy="Use the engine merged or auto, or the method sum.",
        )
    if any(stack.masked for stack in stacks):
        raise RequestError(
            f"{method.title} knows no masks: its weights are merged, and act everywhere in the picture",
            remedy="Take the mask off, or use the method sum.",
        )
    mixes, curved = len(set(stacks)), any(stack.curved for stack in stacks)
    reason = f"{method.title} weighs whole changes of weights against each other"
    reason += f"; {mixes} mixes, one forward each" if mixes > 1 else ""
    return ApplyPlan(engine="merged", reason=reason + ("; merged anew at every step" if curved else ""))


def _cheaper(stack: Stack, render: Render, costs: Callable[[], Costs] | None) -> ApplyPlan:
    """Return the plan for one mix that stays the same."""
    work = merge_work(stack), side_work(stack, render)
    if not work[0].modules:
        return ApplyPlan(engine="merged", reason="no LoRA acts on the denoiser")
    ratio, where = _advantage(TYPICAL, work, render), "by fixed costs"
    if costs is not None:
        where = "on any machine"
        if 1 / DOUBT < ratio < DOUBT:
            return _measured(costs(), work, render)
    name, other = ("merged", "the side path") if ratio > 1 else ("side", "merging")
    return ApplyPlan(engine=name, reason=f"one mix over {_steps(render)}: cheaper than {other} {where}")


def _measured(here: Costs, work: tuple[Work, Work], render: Render) -> ApplyPlan:
    once, each = here.merge.of(work[0]), here.side.of(work[1])
    return ApplyPlan(
        engine="merged" if _advantage(here, work, render) > 1 / TIE else "side",
        reason=f"one mix over {_steps(render)}: measured here, merging takes about {1000 * once:.0f} ms once, the side "
        f"path {1000 * each:.0f} ms a step",
    )


def _advantage(costs: Costs, work: tuple[Work, Work], render: Render) -> float:
    """Return the side path's cost over all steps divided by the merge's worth."""
    return render.steps * costs.side.of(work[1]) / costs.merge.of(work[0]) / WORTH


def _steps(render: Render) -> str:
    return counted(render.steps, "step")


def _open_masks(stacks: Collection[Stack]) -> None:
    """Open every mask, so that a bad one is reported before the first step."""
    for placed in (placed for stack in stacks for placed in stack.placed):
        placed.masks()
