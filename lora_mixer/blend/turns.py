"""Switch and W-Switch: LoRAs take turns over the steps, as presets of their curves.

Switch (Zhong et al. 2024, arXiv:2402.16843, section 3.2): one LoRA acts at a time, the next one after every tau steps,
around and around:

    i = floor(((t - 1) mod k tau) / tau) + 1        t the step from 1, k LoRAs

W-Switch (Tsoumplekas et al. 2026, arXiv:2606.03792): a turn is as long as the LoRA's words weigh in the text. With e the mean
of a text's encoded tokens,

    w_i = 1 - cos(e(text), e(text without the words of i))        n_i = max(1, round(tau w_i / max_j w_j)) steps

and the last steps belong to one LoRA: there to the character's, here, where nobody says what a LoRA shows, to the one that
weighs most. The papers go around in the order of a list; here it is the order of the files' digests, since the order in
which LoRAs are named changes nothing. tau is made smaller where not everybody would have a turn.

Text is encoded once, under all LoRAs: curves act on the denoiser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, islice

from lora_mixer.blend.arrange import MixRow, Placed, Scene
from lora_mixer.blend.stack import WeightedAdapter
from lora_mixer.errors import RequestError
from lora_mixer.mixes import Curve


def switch(mix: Sequence[Placed], scene: Scene) -> tuple[MixRow, ...]:
    """Return the mix with each adapter acting in its turns, all of one length."""
    return _taking_turns(mix, scene, [1.0] * len(mix), last=0)


def weighted_switch(mix: Sequence[Placed], scene: Scene) -> tuple[MixRow, ...]:
    """Return the mix with each adapter acting in its turns, as long as its words weigh in the text."""
    shares = scene.without([group[0].adapter for group in mix])
    return _taking_turns(mix, scene, shares, last=int(scene.numbers["last"]))


def turns(shares: Sequence[float], steps: int, every: int, last: int = 0) -> tuple[int, ...]:
    """Return whose turn each step is, as positions in `shares`; everybody has one.

    >>> turns([1, 1], steps=6, every=2), turns([1, 0.4], steps=7, every=3, last=1)
    ((0, 0, 1, 1, 0, 0), (0, 0, 0, 1, 0, 0, 0))

    Args:
        shares: How long turns are, relative to each other.
        steps: How many steps there are.
        every: The longest turn.
        last: So many steps at the end belong to the largest share, as far as everybody has had a turn.

    Raises:
        RequestError: There are fewer steps than LoRAs.
    """
    if steps < len(shares):
        raise RequestError(
            f"{len(shares)} LoRAs cannot take turns over {steps} steps",
            where="method",
            remedy=f"Use {len(shares)} steps or more, or the method sum.",
        )
    lengths = [1] * len(shares)
    for longest in range(every, 1, -1):
        wanted = [max(1, round(longest * share / max(shares))) for share in shares]
        if sum(wanted) <= steps:
            lengths = wanted
            break
    order = [who for who, length in enumerate(lengths) for _ in range(length)]
    taken = list(islice(cycle(order), steps))
    end = min(last, steps - len(order))
    return (*taken[: steps - end], *[shares.index(max(shares))] * end)


def _taking_turns(mix: Sequence[Placed], scene: Scene, shares: Sequence[float], *, last: int) -> tuple[MixRow, ...]:
    whose = turns(list(shares), scene.steps, int(scene.numbers["every"]), last)
    return (MixRow(tuple(_in_turn(one, place, whose) for place, group in enumerate(mix) for one in group)),)


def _in_turn(one: WeightedAdapter, place: int, whose: Sequence[int]) -> WeightedAdapter:
    """Return an adapter with a curve that has a point a step: its own where it is its turn, else 0."""
    positions = [step / max(len(whose) - 1, 1) for step in range(len(whose))]
    own = one.strength.curve
    factors = [
        (1.0 if own is None else own.at(at)) if turn == place else 0.0
        for at, turn in zip(positions, whose, strict=True)
    ]
    curve = Curve(points=tuple(zip(positions, factors, strict=True)))
    return replace(one, strength=replace(one.strength, curve=curve))
