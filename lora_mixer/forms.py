"""The forms of adapters: which slots make which kind. A group's kind follows from its slots alone, without torch.

The algebra of each kind is in `lora_mixer.adapters`, a file a kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from lora_mixer.errors import BrokenAdapterError
from lora_mixer.modules import Shape

TRAIN_AGAIN = "The file is damaged or was written for another model: download it again, or ask whoever made it"

SCALES = frozenset({"alpha", "scale", "scalar"})
"""Single numbers that multiply the product."""

SPARSE = frozenset({"bias_indices", "bias_values", "bias_size"})
"""LyCORIS's sparse addend to the product. It is called a bias and has nothing to do with the layer's."""

MAGNITUDES = frozenset({"dora_scale", "magnitude"})
"""DoRA's magnitudes: LyCORIS's and OneTrainer's on either axis, PEFT's always per output."""

ADDITIVE = SCALES | SPARSE | MAGNITUDES | {"diff_b"}
"""What may come with a kind whose change is a sum onto W0."""

_ROTATIONS = frozenset({"alpha", "rescale", "diff_b"})

_OUTERS = (frozenset({"k1"}), frozenset({"k1_a", "k1_b"}))
_INNERS = (frozenset({"k2"}), frozenset({"k2_a", "k2_b"}), frozenset({"k2_a", "k2_b", "kt2"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a kind is recognised.

    Attributes:
        name: The word for the kind in tables and records.
        title: The name users know.
        cores: The complete sets of core slots: a group has exactly one of them, and besides it only modifiers.
        modifiers: Slots that may come on top.
        axes: How many axes a slot must have for this row to claim it, where two rows share its name.
        trained: Whether `lora_mixer.trainer` makes it: its kind has an `init`.
    """

    name: str
    title: str
    cores: tuple[frozenset[str], ...]
    modifiers: frozenset[str] = frozenset()
    axes: Mapping[str, int] = field(default_factory=dict)
    trained: bool = False


FORMS: tuple[Form, ...] = (
    Form(
        name="lora",
        title="LoRA or LoCon",
        cores=(frozenset({"up", "down"}), frozenset({"up", "down", "mid"})),
        modifiers=ADDITIVE | {"up_bias"},
        trained=True,
    ),
    Form(
        name="loha",
        title="LoHa",
        cores=(frozenset({"w1_a", "w1_b", "w2_a", "w2_b"}), frozenset({"w1_a", "w1_b", "w2_a", "w2_b", "t1", "t2"})),
        modifiers=ADDITIVE,
        trained=True,
    ),
    Form(
        name="lokr",
        title="LoKr",
        cores=tuple(outer | inner for outer in _OUTERS for inner in _INNERS),
        modifiers=ADDITIVE,
        trained=True,
    ),
    Form(
        name="oft",
        title="OFT",
        cores=(frozenset({"oft_blocks"}), frozenset({"oft_diag"})),
        axes={"oft_blocks": 3},
        modifiers=_ROTATIONS,
    ),
    Form(
        name="oftv2",
        title="OFTv2",
        cores=(frozenset({"oft_r"}),),
        modifiers=frozenset({"alpha", "scaled_oft", "terms", "coft", "diff_b"}),
    ),
    Form(
        name="boft",
        title="BOFT",
        cores=(frozenset({"oft_blocks"}),),
        axes={"oft_blocks": 4},
        modifiers=_ROTATIONS,
    ),
    Form(
        name="glora",
        title="GLoRA",
        cores=(frozenset({"a1", "a2", "b1", "b2"}),),
        modifiers=SCALES | {"diff_b"},
    ),
    Form(
        name="ia3",
        title="IA3",
        cores=(frozenset({"ia3", "on_input"}),),
        modifiers=frozenset({"scale"}),
    ),
    Form(
        name="full",
        title="full difference",
        cores=(frozenset({"diff"}),),
        modifiers=ADDITIVE,
    ),
    Form(
        name="bias",
        title="bias difference",
        cores=(frozenset({"diff_b"}),),
    ),
    Form(
        name="set",
        title="replaced weight",
        cores=(frozenset({"set_weight"}),),
        modifiers=frozenset({"diff_b"}),
    ),
    Form(
        name="norm",
        title="normalisation difference",
        cores=(frozenset({"w_norm"}), frozenset({"b_norm"}), frozenset({"w_norm", "b_norm"})),
    ),
)
"""In the order they are tried."""

TRAINED = tuple(form.name for form in FORMS if form.trained)
"""The kinds that can be trained."""

LOKR_FACTOR = 8
"""The largest side of LoKr's outer matrix, unless another is asked for."""


def form_named(name: str) -> Form:
    """Return the row of a kind."""
    return next(form for form in FORMS if form.name == name)


def form_of(shapes: Mapping[str, Shape]) -> Form:
    """Return the one form that claims a group with these slots, given by name and shape.

    >>> form_of({"up": (320, 8), "down": (8, 320), "alpha": ()}).title
    'LoRA or LoCon'

    Raises:
        BrokenAdapterError: No form does; the message names the nearest one and what is missing or too much for it.
    """
    form = _claimant(frozenset((name, len(shape)) for name, shape in shapes.items()))
    if form is None:
        raise BrokenAdapterError(explain(frozenset(shapes)), remedy=TRAIN_AGAIN)
    return form


@lru_cache(maxsize=256)
def _claimant(axes: frozenset[tuple[str, int]]) -> Form | None:
    """Return the form that claims slots of so many axes: most groups of a file are alike in that."""
    shapes = {name: (1,) * count for name, count in axes}
    return next((form for form in FORMS if claims(form, shapes)), None)


def claims(form: Form, shapes: Mapping[str, Shape]) -> bool:
    """Return whether the slots are exactly one of the form's cores and, besides it, only its modifiers."""
    names = frozenset(shapes)
    complete = any(core <= names and names - core <= form.modifiers for core in form.cores)
    return complete and all(len(shapes[name]) == axes for name, axes in form.axes.items() if name in names)


def explain(names: frozenset[str]) -> str:
    """Return the sentence that says which form comes nearest to these slots, and what keeps it from being that."""
    form, core = min(
        ((form, core) for form in FORMS for core in form.cores),
        key=lambda row: (len(row[1] - names) + len(names - row[1] - row[0].modifiers), -len(row[1] & names)),
    )
    missing, extra = core - names, names - core - form.modifiers
    parts = [f"it lacks {_list(missing)}"] if missing else []
    parts += [f"{_list(extra)} has no place in it"] if extra else []
    parts += [] if parts else ["a tensor has another number of axes than it needs"]
    return f"{_list(names)} make no known kind of adapter; the nearest is {form.title}, but {' and '.join(parts)}"


def _list(names: frozenset[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "no tensors"
