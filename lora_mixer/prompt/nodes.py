"""The nodes of a parsed prompt, with their positions in the text.

Two nodes are equal if they mean the same; positions (`at`) do not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lora_mixer.mixes import Curve

ROUND = 1.1
SQUARE = 1 / 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Plain text, escapes resolved."""

    text: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """`BREAK`: what follows starts a new chunk of tokens."""

    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """`(x)`, `[x]`, `(x:1.3)`: a factor on everything inside.

    The factor itself may be scheduled, as in `(x:[1:1.4:10])`; the options are then texts that hold a number.
    """

    children: tuple[Node, ...]
    weight: float | Switch | Alternate
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """The moment of a switch: so many steps, or (written with a dot) a fraction of all steps."""

    value: float
    fraction: bool

    def steps(self, total: int, done: int = 0) -> int:
        """Return how many steps of `total` pass before the switch, rounded down as A1111 does.

        Args:
            total: The steps of this pass.
            done: The steps of a pass before it: fractions then count from 1 to 2, and steps go on counting.

        >>> When(value=0.5, fraction=True).steps(20), When(value=1, fraction=False).steps(20)
        (10, 1)
        >>> When(value=1.5, fraction=True).steps(10, 20), When(value=25, fraction=False).steps(10, 20)
        (5, 5)
        """
        value = self.value - (1.0 if self.fraction else done) if done else self.value
        return int(max(0.0, min(float(total), value * total if self.fraction else value)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """`[a:b:n]`: a until n steps are done, then b. `[b:n]` and `[a::n]` leave one of them empty."""

    before: tuple[Node, ...]
    after: tuple[Node, ...]
    when: When
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternate:
    """`[a|b|c]`: a at the first step, b at the second, and round again."""

    options: tuple[tuple[Node, ...], ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyframes:
    """A strength over the steps, `w@p,w@p`: straight lines between the points.

    Attributes:
        points: (position, strength) pairs with rising positions.
        fraction: Positions are fractions of the course (all at most 1), else counts of steps.
    """

    points: tuple[tuple[float, float], ...]
    fraction: bool

    def curve(self, steps: int) -> Curve:
        """Return it over fractions of a course of `steps` steps."""
        scale = 1.0 if self.fraction else 1.0 / max(steps - 1, 1)
        return Curve(points=tuple((position * scale, weight) for position, weight in self.points))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraTag:
    """`<lora:name:te:unet:...>`: one adapter and its strength.

    Attributes:
        name: The adapter's name.
        text: Strength on the text encoders.
        denoiser: Strength on the denoiser, a number or keyframes; None means the same as `text` was given.
        rank: Only this many of the factors' ranks act (`dyn`); None means all.
        blocks_text: Block weights as written (`lbw=`): numbers or the name of a preset.
        elements_text: Block weights by kind of layer as written (`lbwe=`).
        start: The first step it acts at, counted from 1.
        stop: The last step it acts at; None means the end.
        hires_text: Strength on the text encoders in the second pass of hires fix (`hrte=`, or `hr=` for both); None
            means as in the first.
        hires_denoiser: Likewise on the denoiser (`hrunet=`); keyframes are over the steps of that pass.
    """

    name: str
    text: float | Keyframes = 1.0
    denoiser: float | Keyframes | None = None
    rank: int | None = None
    blocks_text: str | None = None
    elements_text: str | None = None
    start: int = 1
    stop: int | None = None
    hires_text: float | Keyframes | None = None
    hires_denoiser: float | Keyframes | None = None
    at: int = field(default=0, compare=False)


Node = Text | Break | Weighted | Switch | Alternate | LoraTag


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One side of `AND`, with its weight."""

    children: tuple[Node, ...]
    weight: float = 1.0
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A parsed prompt.

    Attributes:
        clauses: Its sides of `AND`; one if there is none.
        negative: Whether it is a negative prompt, whose LoRAs act only on that half of guidance.
        counts_calls: Its schedules count calls of the model, from 0, as `Grammar.counts_calls` says.
        method: How its LoRAs are blended (`<mix:ties:density=0.3>`), with every number; None leaves it open.
    """

    clauses: tuple[Clause, ...]
    negative: bool = False
    counts_calls: bool = False
    method: str | None = None
