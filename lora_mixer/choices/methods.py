"""Ways of blending the LoRAs of a mix, by name: what each is called and which numbers it takes.

What a method does with weights is a file in `lora_mixer.blend` and a row in `lora_mixer.blend.methods`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from lora_mixer.choices.evidence import BEAT_THE_SUM
from lora_mixer.choices.names import key_of, unknown
from lora_mixer.errors import RequestError

SUM_NAME = "sum"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodNumber:
    """A number that a method takes.

    Attributes:
        name: What it is called.
        default: Its value where none is given.
        low: The least it may be.
        high: The most.
        meaning: What it does.
        whole: It counts something, and has no fractions.
    """

    name: str
    default: float
    low: float
    high: float
    meaning: str
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """A way of blending.

    Attributes:
        name: Its name.
        title: Its name in a sentence.
        does: What it does, in a line.
        source: The paper it is from, with the equations.
        numbers: What may be set.
        dense: It weighs whole changes of weights against each other, so only the engine `merged` has it.
        predictions: It blends what the denoiser predicts over steps or rows: no one set of weights holds the mix.
    """

    name: str
    title: str
    does: str
    source: str = ""
    numbers: tuple[MethodNumber, ...] = ()
    dense: bool = False
    predictions: bool = False

    @property
    def experimental(self) -> bool:
        """Whether it has not been shown to beat the sum here."""
        return self.name not in {SUM_NAME, *BEAT_THE_SUM}


@dataclass(frozen=True, slots=True)
class BlendMethod:
    """A method with its numbers: what a mix is blended by.

    >>> str(find_method("TIES:density=0.5"))
    'ties:density=0.5,scale=1'
    """

    row: MethodRow
    values: tuple[float, ...] = ()

    @property
    def numbers(self) -> Mapping[str, float]:
        """Its numbers by name."""
        return MappingProxyType({n.name: value for n, value in zip(self.row.numbers, self.values, strict=True)})

    def __str__(self) -> str:
        """Return the text that `find_method` reads back, with every number."""
        said = ",".join(f"{name}={value:.12g}" for name, value in self.numbers.items())
        return f"{self.row.name}:{said}" if said else self.row.name


_EVERY = MethodNumber(
    name="every",
    default=5,
    low=1,
    high=1000,
    whole=True,
    meaning="how many steps the longest turn has, as far as everybody gets one",
)

METHODS: tuple[MethodRow, ...] = (
    MethodRow(
        name=SUM_NAME,
        title="the sum",
        does="Every LoRA's change times its strength, added up.",
        source="Hu et al. 2021, arXiv:2106.09685, section 4.1",
    ),
    MethodRow(
        name="ties",
        title="TIES",
        does="Keeps the largest numbers of each change and leaves out those that pull against the majority.",
        source="Yadav et al. 2023, arXiv:2306.01708, section 4.2",
        numbers=(
            MethodNumber(
                name="density",
                default=0.2,
                low=0.001,
                high=1.0,
                meaning="the share of each change's numbers that is kept, the largest ones",
            ),
            MethodNumber(name="scale", default=1.0, low=0.0, high=10.0, meaning="a factor on the blended change"),
        ),
        dense=True,
    ),
    MethodRow(
        name="dare",
        title="DARE",
        does="Drops numbers of each change at random and makes the others larger by as much.",
        source="Yu et al. 2023, arXiv:2311.03099, section 3.2",
        numbers=(
            MethodNumber(
                name="drop",
                default=0.5,
                low=0.0,
                high=0.99,
                meaning="the share of each change's numbers that is dropped",
            ),
        ),
        dense=True,
    ),
    MethodRow(
        name="switch",
        title="Switch",
        does="LoRAs take turns over the steps, one at a time.",
        source="Zhong et al. 2024, arXiv:2402.16843, section 3.2",
        numbers=(_EVERY,),
        predictions=True,
    ),
    MethodRow(
        name="w_switch",
        title="W-Switch",
        does="Takes turns as long as each LoRA's trained words weigh in the text.",
        source="Tsoumplekas et al. 2026, arXiv:2606.03792",
        numbers=(
            _EVERY,
            MethodNumber(
                name="last",
                default=0,
                low=0,
                high=1000,
                whole=True,
                meaning="how many steps at the end belong to the LoRA that weighs most",
            ),
        ),
        predictions=True,
    ),
    MethodRow(
        name="composite",
        title="Composite",
        does="Averages what the denoiser predicts under each LoRA alone: one row of the batch a LoRA.",
        source="Zhong et al. 2024, arXiv:2402.16843, section 3.3",
        predictions=True,
    ),
    MethodRow(
        name="w_composite",
        title="W-Composite",
        does="Averages as Composite does, weighed by how near each LoRA's trained words are to the text.",
        source="Tsoumplekas et al. 2026, arXiv:2606.03792",
        predictions=True,
    ),
    MethodRow(
        name="ssr",
        title="SSR-Merge",
        does="Gives each LoRA what it would see alone: an R x R matrix between the joined factors, from one step under each LoRA.",
        source="Wei et al. 2026, arXiv:2606.10617, section 3",
        numbers=(
            MethodNumber(
                name="ridge",
                default=1e-4,
                low=1e-8,
                high=1.0,
                meaning="how little of what is hard to tell apart is told apart",
            ),
        ),
    ),
)
"""Every method, the sum first: what a mix is blended by where nobody says otherwise."""

SUM = BlendMethod(METHODS[0])
"""The linear sum."""


def find_method(text: str) -> BlendMethod:
    """Return the method that a text names, with its numbers: `ties`, `ties:density=0.3`.

    Raises:
        RequestError: There is none of that name, it takes no such number, or a number is out of range; the nearest
            name is in the text.
    """
    name, _, said = text.partition(":")
    by_key = {key_of(row.name): row for row in METHODS}
    row = by_key.get(key_of(name))
    if row is None:
        raise unknown("method", name.strip(), [row.name for row in METHODS])
    values = {number.name: number.default for number in row.numbers}
    for part in (part for part in said.split(",") if part.strip()):
        key, _, value = part.partition("=")
        number = _number(row, key.strip())
        values[number.name] = _value(row, number, value.strip())
    return BlendMethod(row, tuple(values.values()))


def _number(row: MethodRow, key: str) -> MethodNumber:
    found = next((number for number in row.numbers if key_of(number.name) == key_of(key)), None)
    if found is None and row.numbers:
        raise unknown(f"number of the method {row.name}", key, [number.name for number in row.numbers])
    if found is None:
        raise RequestError(f"the method {row.name} takes no numbers", remedy=f"Write {row.name} alone.")
    return found


def _value(row: MethodRow, number: MethodNumber, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not number.low <= value <= number.high or (number.whole and value % 1):
        raise RequestError(
            f"{number.name}={text} of the method {row.name} is no {'whole ' if number.whole else ''}number from {number.low:g} to {number.high:g}",
            remedy=f"It is {number.meaning}: write {row.name}:{number.name}={number.default:g}, or another value.",
        )
    return value
