"""What a slider is learned from: two prompts, and what between them shall stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple, Self

from lora_mixer.catalog.nearest import did_you_mean
from lora_mixer.errors import RequestError
from lora_mixer.fieldtypes import check_fields, wrong_type
from lora_mixer.wording import page


class SliderPrompts(NamedTuple):
    """The three texts that one step compares."""

    neutral: str
    positive: str
    negative: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SliderSettings:
    """A LoRA that goes from one prompt to another, learned without pictures of anybody's (Concept Sliders, arXiv:2311.12092).

    Attributes:
        positive: What strength 1 leads to.
        negative: What strength -1 leads to.
        subject: What both are about, and what is drawn at 0; put before the two prompts where they do not say it.
        keep: Words that each may be drawn with and that the slider shall leave as they are.
        guidance: How far strength 1 goes, eta in the paper.
        pictures: How many pictures the model draws to learn on.
        steps: Of sampling them.
    """

    positive: str
    negative: str
    subject: str = ""
    keep: tuple[str, ...] = ()
    guidance: float = 1.0
    pictures: int = 24
    steps: int = 20

    def __post_init__(self) -> None:
        """Refuse values of the wrong type, and impossible ones."""
        check_fields(self)
        given: object = self.keep
        kept = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        if not all(isinstance(words, str) for words in kept):
            raise wrong_type("slider", "keep", self.keep, "a list of texts", 'keep = ["old", "young"]')
        object.__setattr__(self, "keep", kept)
        for name, low, high in (("guidance", 0, 100), ("pictures", 1, 4096), ("steps", 1, 1000)):
            if not low <= getattr(self, name) <= high:
                raise RequestError(
                    f"slider: {name} {getattr(self, name):g} is out of range", remedy=f"Use {low} to {high}."
                )

    @classmethod
    def of(cls, table: object) -> Self:
        """Return the settings of a table, as TOML has it.

        >>> SliderSettings.of({"positive": "sunny", "negative": "rainy"}).guidance
        1.0

        Raises:
            RequestError: A name is none of a slider's, one is missing, or a value has the wrong type.
        """
        example = 'slider = { positive = "sunny", negative = "rainy" }'
        if not isinstance(table, Mapping):
            raise wrong_type("slider", "slider", table, "a table", example)
        names = [field.name for field in fields(cls)]
        odd = next((name for name in table if name not in names), None)
        if odd is not None:
            remedy = did_you_mean(odd, names, otherwise=f"{page('training')} has all of them.")
            raise RequestError(f"{odd!r} is no setting of a slider", remedy=remedy)
        if not {"positive", "negative"} <= table.keys():
            raise RequestError("a slider needs two prompts", remedy=f"Write {example}.")
        return cls(**table)

    def check(self) -> None:
        """Refuse a slider that would learn nothing.

        Raises:
            RequestError: An end says nothing, or both say the same.
        """
        if not self.positive.strip() or not self.negative.strip():
            raise RequestError(
                "a slider needs words at both ends", remedy='Write one at each, such as "sunny" and "rainy".'
            )
        if self.positive.split() == self.negative.split():
            raise RequestError(f"both ends of the slider are {self.positive!r}", remedy="Use two different prompts.")

    def prompts(self) -> tuple[SliderPrompts, ...]:
        """Return what is compared: once, or once with each of the words to keep.

        >>> SliderSettings(positive="old", negative="young", subject="person", keep=("woman",)).prompts()[0].positive
        'woman, person, old'
        """
        return tuple(
            SliderPrompts(
                _joined(kept, self.subject),
                _joined(kept, self._about(self.positive)),
                _joined(kept, self._about(self.negative)),
            )
            for kept in self.keep or ("",)
        )

    def _about(self, prompt: str) -> str:
        said = self.subject.casefold() in prompt.casefold()
        return prompt if said else _joined(self.subject, prompt)


def _joined(*texts: str) -> str:
    return ", ".join(text for text in texts if text)
