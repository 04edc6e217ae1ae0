"""Workers of other processes that die: how often one is replaced, and what is said when none is left."""

from __future__ import annotations

from lora_mixer.errors import RenderError

MOST_STARTS_LOST = 3
"""A worker that dies so often in a row before its model is open is not replaced any more."""


def died_over_the_plan(cause: str, option: str) -> RenderError:
    """Return the error of workers that died one after the other over a query.

    Args:
        cause: What the last one died of.
        option: The option without which a run has no such workers.
    """
    return _died(f"{MOST_STARTS_LOST} workers died while they looked at the plan, the last: {cause}", option)


def died_while_opening(cause: str, option: str) -> RenderError:
    """Return the error of workers none of which came to have its model open; see `died_over_the_plan`."""
    return _died(f"all workers died {MOST_STARTS_LOST} times while they opened the model, the last: {cause}", option)


def _died(what: str, option: str) -> RenderError:
    return RenderError(what, remedy=f"Try without {option} to see why; most often memory is short.")
