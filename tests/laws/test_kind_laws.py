"""The laws every row of the table of kinds obeys, on random groups of every form."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from lora_mixer.adapters import (
    KINDS,
    InputGain,
    Layer,
    LayerOp,
    LowRank,
    OutputGain,
    SideTerm,
    Weights,
    concatenate,
    detect,
    make_layer,
)
from lora_mixer.forms import claims
from tests.support.kind_examples import (
    CONV_3,
    EXAMPLES,
    LINEAR,
    ODD,
    Example,
    Shape,
    example_slots,
    generator,
    randn,
    with_magnitude,
    with_sparse,
)

ADDITIVE = [
    example for example in EXAMPLES if example.kind in {"lora", "loha", "lokr", "full"} and example.form not in ODD
]
SEEDS = st.integers(0, 2**31)
few = settings(max_examples=8, deadline=None)
every_example = pytest.mark.parametrize("example", EXAMPLES, ids=str)
every_additive = pytest.mark.parametrize("example", ADDITIVE, ids=str)


def shape_and_seed(example: Example) -> st.SearchStrategy[tuple[Shape, int]]:
    return st.tuples(st.sampled_from(example.shapes), SEEDS)


def base_of(shape: Shape, seed: int, dtype: torch.dtype = torch.float64) -> Weights:
    rng = generator(seed + 1)
    return Weights(randn(rng, *shape, size=1.0).to(dtype), randn(rng, shape[0]).to(dtype))


def layer_of(example: Example, shape: Shape, seed: int) -> Layer:
    return make_layer(example.build(shape, generator(seed)), shape, shape[:1])


def operator(base: Weights, normalisation: str = "group") -> LayerOp:
    run = {
        1: partial(group_norm, groups=4) if normalisation == "group" else layer_norm,
        2: F.linear,
        4: partial(F.conv2d, stride=2, padding=base.weight.shape[-1] // 2),
    }[base.weight.ndim]
    return LayerOp(run=run, weight=base.weight, bias=base.bias)


def group_norm(x: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    return F.group_norm(x, groups, weight, bias)


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.layer_norm(x, (len(weight),), weight, bias)


def inputs(base: Weights, seed: int, batch: int = 3, normalisation: str = "group") -> Tensor:
    rng, weight = generator(seed + 2), base.weight
    if weight.ndim == 4 or (weight.ndim == 1 and normalisation == "group"):
        return randn(rng, batch, weight.shape[1 if weight.ndim == 4 else 0], 6, 6, size=1.0)
    return randn(rng, batch, 7, weight.shape[-1], size=1.0)


def strengths_for(term: SideTerm, strengths: Tensor) -> Tensor:
    return strengths[:, None].expand(-1, term.rank) if isinstance(term, LowRank) else strengths


def along_side(layer: Layer, base: Weights, x: Tensor, strengths: Tensor, normalisation: str = "group") -> Tensor:
    op = operator(base, normalisation)
    y = op.run(x, base.weight, base.bias)
    return y + sum(term.forward(x, y, op, strengths_for(term, strengths)) for term in layer.side(base))


def merged(layer: Layer, base: Weights, x: Tensor, strengths: Tensor, normalisation: str = "group") -> Tensor:
    op, delta = operator(base, normalisation), layer.delta(base)
    rows = []
    for row, strength in zip(x, strengths, strict=True):
        weight = base.weight if delta.weight is None else base.weight + strength * delta.weight
        bias = base.bias if delta.bias is None else base.bias + strength * delta.bias
        rows.append(op.run(row[None], weight, bias))
    return torch.cat(rows)


def test_every_row_of_the_table_has_an_example_and_no_example_is_of_another_kind() -> None:
    assert {example.kind for example in EXAMPLES} == {kind.name for kind in KINDS}
    forms = {kind.name: set() for kind in KINDS}
    for example in EXAMPLES:
        slots = example.build(example.shapes[-1], generator(0))
        kind = detect({name: tuple(tensor.shape) for name, tensor in slots.items()})
        assert kind.name == example.kind
        forms[kind.name] |= {form for form in kind.form.cores if form <= slots.keys()}
    assert forms == {kind.name: set(kind.form.cores) for kind in KINDS}


def test_exactly_one_row_claims_each_complete_set_of_slots() -> None:
    for kind in KINDS:
        for form in kind.form.cores:
            for names in (form, form | kind.form.modifiers):
                shapes = {name: (1,) * kind.form.axes.get(name, 2) for name in names}
                assert [other.name for other in KINDS if claims(other.form, shapes)] == [kind.name]


@every_example
def test_the_side_form_is_the_merged_layer_for_every_image_of_a_batch(example: Example) -> None:
    @few
    @given(shape_and_seed(example), st.sampled_from(("group", "layer")))
    def law(drawn: tuple[Shape, int], normalisation: str) -> None:
        shape, seed = drawn
        base, strengths = base_of(shape, seed), torch.tensor([1.0, 0.0, -0.7], dtype=torch.float64)
        x, layer = inputs(base, seed, normalisation=normalisation), layer_of(example, shape, seed)
        side = along_side(layer, base, x, strengths, normalisation)
        torch.testing.assert_close(side, merged(layer, base, x, strengths, normalisation), rtol=1e-9, atol=1e-9)
        op = operator(base, normalisation)
        assert torch.equal(side[1], op.run(x, base.weight, base.bias)[1]), "strength 0 changed a bit"

    law()


@pytest.mark.parametrize("example", [e for e in EXAMPLES if CONV_3 in e.shapes], ids=str)
def test_a_side_form_compiles_without_a_break_and_stays_compiled_when_strengths_move(example: Example) -> None:
    base = base_of(CONV_3, 1)
    op, x = operator(base), inputs(base, 2)
    y = op.run(x, base.weight, base.bias)
    for term in layer_of(example, CONV_3, 3).side(base):
        torch.compiler.reset()
        compiled = torch.compile(term.forward, backend="eager", fullgraph=True)
        compiled(x, y, op, strengths_for(term, torch.ones(3, dtype=torch.float64)))
        moved = strengths_for(term, torch.tensor([0.0, -1.0, 2.0], dtype=torch.float64))
        with torch.compiler.set_stance("fail_on_recompile"):
            torch.testing.assert_close(compiled(x, y, op, moved), term.forward(x, y, op, moved))


@every_additive
@pytest.mark.parametrize("axis", ["in", "out"])
def test_dora_over_any_additive_kind_has_its_side_form_too(example: Example, axis: str) -> None:
    @few
    @given(shape_and_seed(example))
    def law(drawn: tuple[Shape, int]) -> None:
        shape, seed = drawn
        if len(shape) < 2:
            return
        base, strengths = base_of(shape, seed), torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)
        slots = with_magnitude(example.build(shape, generator(seed)), shape, generator(seed), axis)
        layer, x = make_layer(slots, shape, shape[:1]), inputs(base, seed)
        assert isinstance(layer.side(base)[0], OutputGain if axis == "out" else InputGain)
        side, merge = along_side(layer, base, x, strengths), merged(layer, base, x, strengths)
        torch.testing.assert_close(side, merge, rtol=1e-9, atol=1e-9)

    law()


@every_additive
@pytest.mark.parametrize("axis", ["in", "out"])
def test_dora_at_strength_1_gives_the_stated_norms_on_the_stated_axis(example: Example, axis: str) -> None:
    shape = example.shapes[-1] if len(example.shapes[-1]) > 1 else CONV_3
    slots = with_magnitude(example.build(shape, generator(3)), shape, generator(4), axis)
    base = base_of(shape, 5)
    new = base.weight + make_layer(slots, shape, shape[:1]).delta(base).weight
    norms = torch.linalg.vector_norm(new if axis == "out" else new.transpose(0, 1), dim=tuple(range(1, len(shape))))
    torch.testing.assert_close(norms, slots["dora_scale"].flatten())


@every_additive
def test_a_sparse_addend_is_part_of_the_product(example: Example) -> None:
    shape = next(shape for shape in example.shapes if len(shape) > 1)
    plain = example.build(shape, generator(1))
    slots = with_sparse(plain, shape, generator(2))
    base = base_of(shape, 3)
    layer, x = make_layer(slots, shape, shape[:1]), inputs(base, 4)
    more = layer.delta(base).weight - make_layer(plain, shape, shape[:1]).delta(base).weight
    rows, cols = slots["bias_indices"].long()
    torch.testing.assert_close(more.flatten(1)[rows, cols], slots["bias_values"] * layer.scale)
    assert torch.count_nonzero(more) == len(rows)
    assert layer.factors() is None
    strengths = torch.ones(3, dtype=torch.float64)
    torch.testing.assert_close(along_side(layer, base, x, strengths), merged(layer, base, x, strengths))


@every_example
def test_a_linear_kind_does_not_read_the_weight_and_another_does(example: Example) -> None:
    @few
    @given(shape_and_seed(example))
    def law(drawn: tuple[Shape, int]) -> None:
        shape, seed = drawn
        layer = layer_of(example, shape, seed)
        one, other = layer.delta(base_of(shape, seed)), layer.delta(base_of(shape, seed + 1))
        same = [a is b is None or torch.equal(a, b) for a, b in zip(one, other, strict=True)]
        assert all(same) == layer.linear

    law()


@every_example
def test_the_product_of_the_factors_is_the_change(example: Example) -> None:
    @few
    @given(shape_and_seed(example))
    def law(drawn: tuple[Shape, int]) -> None:
        shape, seed = drawn
        layer = layer_of(example, shape, seed)
        factors = layer.factors(torch.float64)
        if factors is None:
            return
        assert factors.down.shape[1:] == shape[1:]
        assert factors.up.shape == (shape[0], factors.down.shape[0])
        product = (factors.up @ factors.down.flatten(1)).reshape(shape)
        torch.testing.assert_close(product, layer.delta(base_of(shape, seed)).weight)

    law()


def test_loha_has_factors_exactly_where_they_are_smaller_than_the_weight() -> None:
    def of_rank(rank: int) -> Layer:
        halves = {f"w{n}_a": torch.ones(24, rank) for n in "12"} | {f"w{n}_b": torch.ones(rank, 144) for n in "12"}
        return make_layer(halves, CONV_3, None)

    assert of_rank(4).factors() is not None
    assert of_rank(5).factors() is None


@every_example
def test_the_order_of_the_keys_changes_no_bit(example: Example) -> None:
    shape = example.shapes[0]
    slots, base = example.build(shape, generator(7)), base_of(shape, 8)
    one = make_layer(slots, shape, shape[:1]).delta(base)
    other = make_layer(dict(reversed(slots.items())), shape, shape[:1]).delta(base)
    assert all(a is b is None or torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.kind in {"lora", "loha", "lokr", "glora"}], ids=str)
def test_a_missing_alpha_an_alpha_of_0_and_alpha_equal_to_the_rank_all_mean_scale_1(example: Example) -> None:
    shape = example.shapes[-1]
    slots = {name: tensor for name, tensor in example.build(shape, generator(9)).items() if name != "alpha"}
    missing, base = make_layer(slots, shape, shape[:1]), base_of(shape, 10)
    assert missing.scale == 1.0
    for alpha in (0.0, missing.rank or 3.0):
        layer = make_layer(slots | {"alpha": torch.tensor([float(alpha)])}, shape, shape[:1])
        assert torch.equal(layer.delta(base).weight, missing.delta(base).weight)


@every_example
def test_a_file_in_half_precision_is_computed_in_the_dtype_asked_for(example: Example) -> None:
    shape = example.shapes[0]
    exact = example.build(shape, generator(11))
    for dtype in (torch.float16, torch.bfloat16, torch.float8_e4m3fn):
        rough = {name: t.to(dtype) if t.is_floating_point() else t for name, t in exact.items()}
        wide = {name: t.double() if t.is_floating_point() else t for name, t in rough.items()}
        base = base_of(shape, 12, torch.float32)
        one, other = (make_layer(slots, shape, shape[:1]).delta(base) for slots in (rough, wide))
        for a, b in zip(one, other, strict=True):
            assert a is b is None or (a.dtype == torch.float32 and torch.equal(a, b))


# OneTrainer turns a convolution's weight by R and a linear layer's inputs by the same R, which is R^T on the weight.
@pytest.mark.parametrize("kind", [kind.name for kind in KINDS if kind.name not in {"norm", "oftv2"}])
@settings(max_examples=5, deadline=None)
@given(seed=SEEDS)
def test_a_linear_layer_and_its_1x1_convolution_take_each_others_files(kind: str, seed: int) -> None:
    slots = example_slots(kind, LINEAR, generator(seed))
    base = base_of(LINEAR, seed)
    conv = Weights(base.weight[:, :, None, None], base.bias)
    as_linear = make_layer(slots, LINEAR, LINEAR[:1]).delta(base)
    as_conv = make_layer(slots, (*LINEAR, 1, 1), LINEAR[:1]).delta(conv)
    if as_linear.weight is not None:
        torch.testing.assert_close(as_conv.weight.flatten(1), as_linear.weight)


@settings(max_examples=10, deadline=None)
@given(seed=SEEDS, shape=st.sampled_from((LINEAR, CONV_3)))
def test_low_rank_terms_of_several_adapters_run_as_one_with_a_strength_per_image_and_adapter(
    seed: int, shape: Shape
) -> None:
    base = base_of(shape, seed)
    layers = [make_layer(example_slots("lora", shape, generator(seed + n)), shape, None) for n in range(3)]
    strengths = randn(generator(seed), 3, len(layers), size=1.0)
    terms = [layer.side(base)[0] for layer in layers]
    x, op = inputs(base, seed), operator(base)
    y = op.run(x, base.weight, base.bias)
    ranks = torch.tensor([term.rank for term in terms])
    together = concatenate(terms).forward(x, y, op, strengths.repeat_interleave(ranks, dim=1))
    apart = sum(term.forward(x, y, op, strengths[:, n : n + 1].expand(-1, term.rank)) for n, term in enumerate(terms))
    torch.testing.assert_close(together, apart)
