"""A channel strip as a value: what one LoRA's knobs are set to, and the tag of the prompt that says the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lora_mixer import DrawnMask, Rectangle
from lora_mixer.errors import PromptError, RequestError
from lora_mixer.prompt import Clause, Keyframes, LoraTag, Prompt, parse, unparse

Shape = tuple[tuple[float, float], ...]
DIGITS = 4  # of a strength, as sliders send them with dust behind


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """What one LoRA's knobs are set to.

    Attributes:
        number: Tells it from the other strips of its desk.
        name: The LoRA's name.
        denoiser: Strength on the denoiser.
        text: Strength on the text encoders; None means the same as `denoiser`.
        on: Whether it sounds. An off strip keeps every value.
        solo: While any strip is solo, only those that are sound.
        blocks: Block weights as a tag says them: the name of a preset, or numbers with commas between.
        shape: A further factor over the steps: (position, factor) points.
        fraction: Positions of `shape` are fractions of the course, else counts of steps.
        start: The first step it acts at, from 1.
        stop: The last step it acts at; None means the end.
        mask: Where in the picture it acts: a rectangle, or a picture by its digest; None means everywhere. A tag cannot
            say it.
        rank: Only so many of its ranks act (`dyn=`), as a tag says.
        elements: Weights by kind of layer (`lbwe=`), as a tag says.
        hires: Strengths on text encoders and denoiser in the second pass (`hrte=`, `hrunet=`), as a tag says.
    """

    number: int = 0
    name: str
    denoiser: float = 1.0
    text: float | None = None
    on: bool = True
    solo: bool = False
    blocks: str | None = None
    shape: Shape | None = None
    fraction: bool = True
    start: int = 1
    stop: int | None = None
    mask: Rectangle | DrawnMask | Path | None = None
    rank: int | None = None
    elements: str | None = None
    hires: tuple[float | Keyframes | None, float | Keyframes | None] = (None, None)

    def tag(self) -> LoraTag:
        """Return the tag that says this."""
        denoiser = tidy(self.denoiser)
        text = denoiser if self.text is None else tidy(self.text)
        moving = None
        if self.shape is not None:
            points = tuple((position, tidy(factor * denoiser)) for position, factor in self.shape)
            moving = Keyframes(points=points, fraction=self.fraction)
        return LoraTag(
            name=self.name,
            text=text,
            denoiser=moving or (None if text == denoiser else denoiser),
            rank=self.rank,
            blocks_text=self.blocks,
            elements_text=self.elements,
            start=self.start,
            stop=self.stop,
            hires_text=self.hires[0],
            hires_denoiser=self.hires[1],
        )

    def tag_text(self) -> str:
        """Return the tag as text.

        Raises:
            RequestError: The name cannot stand in a tag.
        """
        tag = self.tag()
        text = unparse(Prompt(clauses=(Clause(children=(tag,)),)))
        try:
            said = parse(text).clauses[0].children
        except PromptError:
            said = ()
        if said != (tag,):
            raise RequestError(
                f"a LoRA called {self.name!r} cannot stand in a prompt", remedy="Rename its file without : = < and >."
            )
        return text


def strip_of(tag: LoraTag) -> Strip:
    """Return the strip that says what a tag says."""
    text = tag.text.points[0][1] if isinstance(tag.text, Keyframes) else tag.text
    denoiser = tag.text if tag.denoiser is None else tag.denoiser
    shape, fraction, value = None, True, denoiser
    if isinstance(denoiser, Keyframes):
        value = max((weight for _, weight in denoiser.points), key=abs)
        shape = tuple((position, weight / value if value else 0.0) for position, weight in denoiser.points)
        fraction = denoiser.fraction
    assert isinstance(value, float)
    return Strip(
        name=tag.name,
        denoiser=value,
        text=None if text == value else text,
        blocks=tag.blocks_text,
        shape=shape,
        fraction=fraction,
        start=tag.start,
        stop=tag.stop,
        rank=tag.rank,
        elements=tag.elements_text,
        hires=(tag.hires_text, tag.hires_denoiser),
    )


def tidy(value: float) -> float:
    """Return a strength without the dust of binary fractions.

    >>> tidy(0.1 + 0.2)
    0.3
    """
    return round(float(value), DIGITS) + 0.0
