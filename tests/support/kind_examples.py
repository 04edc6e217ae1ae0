"""Random valid slots for every row of the table of kinds, in every form it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

Slots = dict[str, Tensor]
Shape = tuple[int, ...]

DTYPE = torch.float64
LINEAR: Shape = (24, 16)
CONV_1: Shape = (24, 16, 1, 1)
CONV_3: Shape = (24, 16, 3, 3)
NORMALISATION: Shape = (24,)
MATRICES = (LINEAR, CONV_1, CONV_3)


def randn(rng: torch.Generator, *shape: int, size: float = 0.3) -> Tensor:
    return torch.randn(*shape, generator=rng, dtype=DTYPE) * size


def integer(rng: torch.Generator, low: int, high: int) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, high + 1, (1,), generator=rng))


def divisor(rng: torch.Generator, n: int, below: int | None = None) -> int:
    options = [d for d in range(1, below or n + 1) if n % d == 0]
    return options[integer(rng, 0, len(options) - 1)]


def alpha(rng: torch.Generator) -> Slots:
    return {"alpha": torch.rand((), generator=rng, dtype=DTYPE) * 8 + 0.1}


def ones(shape: Shape) -> Shape:
    """The trailing axes of a 1x1 convolution, if the layer is one at all."""
    return (1, 1) if len(shape) == 4 else ()


def lora(shape: Shape, rng: torch.Generator) -> Slots:
    rank = integer(rng, 1, 6)
    return {"down": randn(rng, rank, *shape[1:]), "up": randn(rng, shape[0], rank, *ones(shape)), **alpha(rng)}


def biased(shape: Shape, rng: torch.Generator) -> Slots:
    return lora(shape, rng) | {"up_bias": randn(rng, shape[0])}


def peft_magnitude(shape: Shape, rng: torch.Generator) -> Slots:
    """PEFT's and ai-toolkit's DoRA: one magnitude per output, along one axis."""
    lead = (1, shape[0], 1, 1) if len(shape) == 4 else (shape[0],)
    return lora(shape, rng) | {"magnitude": torch.rand(*lead, generator=rng, dtype=DTYPE) + 0.5}


def tucker(shape: Shape, rng: torch.Generator) -> Slots:
    rank = integer(rng, 1, 6)
    return {
        "down": randn(rng, rank, shape[1], 1, 1),
        "mid": randn(rng, rank, rank, *shape[2:]),
        "up": randn(rng, shape[0], rank, 1, 1),
        **alpha(rng),
    }


def loha(shape: Shape, rng: torch.Generator) -> Slots:
    rank, cols = integer(rng, 1, 5), columns(shape)
    halves = {f"w{n}_a": randn(rng, shape[0], rank) for n in "12"}
    return halves | {f"w{n}_b": randn(rng, rank, cols) for n in "12"} | alpha(rng)


def loha_cores(shape: Shape, rng: torch.Generator) -> Slots:
    rank = integer(rng, 1, 4)
    slots = {f"w{n}_a": randn(rng, rank, shape[0]) for n in "12"}
    slots |= {f"w{n}_b": randn(rng, rank, shape[1]) for n in "12"}
    return slots | {f"t{n}": randn(rng, rank, rank, *shape[2:]) for n in "12"} | alpha(rng)


def lokr(outer: str, inner: str) -> Callable[[Shape, torch.Generator], Slots]:
    def build(shape: Shape, rng: torch.Generator) -> Slots:
        a, c, rank = divisor(rng, shape[0]), divisor(rng, shape[1]), integer(rng, 1, 4)
        b, d, kernel = shape[0] // a, shape[1] // c, shape[2:]
        outers = {
            "whole": {"k1": randn(rng, a, c)},
            "factored": {"k1_a": randn(rng, a, rank), "k1_b": randn(rng, rank, c)},
        }
        inners: Mapping[str, Slots] = {
            "whole": {"k2": randn(rng, b, d, *kernel)},
            "factored": {"k2_a": randn(rng, b, rank), "k2_b": randn(rng, rank, columns((b, d, *kernel)))},
            "core": {
                "k2_a": randn(rng, rank, b),
                "k2_b": randn(rng, rank, d),
                "kt2": randn(rng, rank, rank, *(kernel or (1, 1))),
            },
        }
        whole = outer == inner == "whole"
        return outers[outer] | inners[inner] | ({"alpha": torch.tensor(9_999_999_999.0)} if whole else alpha(rng))

    return build


def oft(shape: Shape, rng: torch.Generator) -> Slots:
    blocks = divisor(rng, shape[0], below=shape[0])  # a block of 1 turns nothing
    slots = {"oft_blocks": randn(rng, blocks, shape[0] // blocks, shape[0] // blocks)}
    constraint = [0.0, 1e-3, 10.0][integer(rng, 0, 2)]
    return slots | {"alpha": torch.tensor(constraint, dtype=DTYPE)}


def oft_input(*, share: bool = False, **more: float) -> Callable[[Shape, torch.Generator], Slots]:
    """OFTv2, a row of numbers a block or one for all; `more` are the marks and settings that change its meaning."""

    def build(shape: Shape, rng: torch.Generator) -> Slots:
        inputs = columns(shape)
        size = [n for n in range(2, inputs + 1) if inputs % n == 0][integer(rng, 0, 2)]
        blocks = 1 if share else inputs // size
        numbers = {name: torch.tensor(value, dtype=DTYPE) for name, value in more.items()}
        return {"oft_r": randn(rng, blocks, size * (size - 1) // 2), **numbers}

    return build


def oft_diag(shape: Shape, rng: torch.Generator) -> Slots:
    blocks = divisor(rng, shape[0], below=shape[0])  # a block of 1 turns nothing
    return {"oft_diag": randn(rng, blocks, shape[0] // blocks, shape[0] // blocks)}


def rescaled(build: Callable[[Shape, torch.Generator], Slots]) -> Callable[[Shape, torch.Generator], Slots]:
    def with_gain(shape: Shape, rng: torch.Generator) -> Slots:
        return build(shape, rng) | {"rescale": 1 + randn(rng, shape[0], *[1] * (len(shape) - 1))}

    return with_gain


def boft(shape: Shape, rng: torch.Generator) -> Slots:
    options = [(blocks, shape[0] // blocks) for blocks in (1, 2, 4, 8) if shape[0] % (2 * blocks) == 0]
    blocks, size = options[integer(rng, 0, len(options) - 1)]
    stages = integer(rng, 1, blocks.bit_length())
    return {"oft_blocks": randn(rng, stages, blocks, size, size), "alpha": torch.tensor(0.0, dtype=DTYPE)}


def glora(shape: Shape, rng: torch.Generator) -> Slots:
    rank, tail = integer(rng, 1, 6), ones(shape)
    return {
        "a1": randn(rng, shape[1], rank, *tail),
        "a2": randn(rng, rank, shape[1], *tail),
        "b1": randn(rng, shape[0], rank, *tail),
        "b2": randn(rng, rank, *shape[1:]),
        **alpha(rng),
    }


def glora_old(shape: Shape, rng: torch.Generator) -> Slots:
    new = glora(shape, rng)
    return {"a1": new["a2"], "a2": new["a1"], "b1": new["b2"], "b2": new["b1"], "alpha": new["alpha"]}


def ia3(*, on_input: bool) -> Callable[[Shape, torch.Generator], Slots]:
    def build(shape: Shape, rng: torch.Generator) -> Slots:
        channels = shape[1 if on_input else 0]
        vector = randn(rng, channels) if len(shape) == 2 else randn(rng, 1, channels, 1, 1)
        return {"ia3": vector, "on_input": torch.tensor(int(on_input))}

    return build


def full(shape: Shape, rng: torch.Generator) -> Slots:
    return {"diff": randn(rng, *shape), "diff_b": randn(rng, shape[0])}


def bias(shape: Shape, rng: torch.Generator) -> Slots:
    return {"diff_b": randn(rng, shape[0])}


def replaced(shape: Shape, rng: torch.Generator) -> Slots:
    return {"set_weight": randn(rng, *shape)}


def norm(*names: str) -> Callable[[Shape, torch.Generator], Slots]:
    def build(shape: Shape, rng: torch.Generator) -> Slots:
        return {name: randn(rng, shape[0]) for name in names}

    return build


def columns(shape: Shape) -> int:
    return torch.Size(shape[1:]).numel()


@dataclass(frozen=True)
class Example:
    """One way a group of one kind is written in files."""

    kind: str
    form: str
    build: Callable[[Shape, torch.Generator], Slots]
    shapes: tuple[Shape, ...] = MATRICES

    def __str__(self) -> str:
        return f"{self.kind}-{self.form}"


EXAMPLES: tuple[Example, ...] = (
    Example("lora", "plain", lora),
    Example("lora", "biased", biased),
    Example("lora", "peft_dora", peft_magnitude),
    Example("lora", "tucker", tucker, (CONV_1, CONV_3)),
    Example("loha", "plain", loha),
    Example("loha", "cores", loha_cores, (CONV_1, CONV_3)),
    *(
        Example("lokr", f"{outer}_{inner}", lokr(outer, inner), (CONV_1, CONV_3) if inner == "core" else MATRICES)
        for outer in ("whole", "factored")
        for inner in ("whole", "factored", "core")
    ),
    Example("oft", "blocks", oft),
    Example("oft", "rescaled", rescaled(oft)),
    Example("oft", "diag", oft_diag),
    Example("oftv2", "onetrainer", oft_input()),
    Example("oftv2", "shared", oft_input(share=True)),
    Example("oftv2", "scaled", oft_input(scaled_oft=1.0)),
    Example("oftv2", "exact", oft_input(terms=0.0)),
    Example("oftv2", "constrained", oft_input(terms=5.0, coft=0.1)),
    Example("boft", "plain", boft),
    Example("boft", "rescaled", rescaled(boft)),
    Example("glora", "new", glora),
    Example("glora", "old", glora_old),
    Example("ia3", "inputs", ia3(on_input=True)),
    Example("ia3", "outputs", ia3(on_input=False)),
    Example("full", "both", full, (*MATRICES, NORMALISATION)),
    Example("bias", "alone", bias, (*MATRICES, NORMALISATION)),
    Example("set", "weight", replaced, (*MATRICES, NORMALISATION)),
    Example("norm", "both", norm("w_norm", "b_norm"), (NORMALISATION,)),
    Example("norm", "weight", norm("w_norm"), (NORMALISATION,)),
    Example("norm", "bias", norm("b_norm"), (NORMALISATION,)),
)


ODD = frozenset({"biased", "peft_dora"})
"""Forms that need a bias in the layer, or are no sum onto its weight like others of their kind."""


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def example_slots(kind_name: str, weight_shape: Shape, rng: torch.Generator) -> Slots:
    """Random valid slots of a kind for a layer of this shape, in one of the usual forms the kind has there."""
    axes = len(weight_shape)
    forms = [
        e for e in EXAMPLES if e.kind == kind_name and axes in {len(shape) for shape in e.shapes} and e.form not in ODD
    ]
    return forms[integer(rng, 0, len(forms) - 1)].build(weight_shape, rng)


def with_magnitude(slots: Slots, weight_shape: Shape, rng: torch.Generator, axis: str) -> Slots:
    """The group as a DoRA, its magnitudes (positive) along an axis, in LyCORIS's shape."""
    lead = (weight_shape[0], 1) if axis == "out" else (1, weight_shape[1])
    magnitude = torch.rand(*lead, *[1] * (len(weight_shape) - 2), generator=rng, dtype=DTYPE) + 0.5
    return slots | {"dora_scale": magnitude}


def with_sparse(slots: Slots, weight_shape: Shape, rng: torch.Generator) -> Slots:
    """The group with LyCORIS's sparse addend at a few places."""
    cols = columns(weight_shape)
    places = torch.randperm(weight_shape[0] * cols, generator=rng)[:5]
    return slots | {
        "bias_indices": torch.stack([places // cols, places % cols]).to(torch.int16),
        "bias_values": randn(rng, 5),
        "bias_size": torch.tensor([weight_shape[0], cols], dtype=torch.int16),
    }
