"""Facts of single kinds that the laws of the table do not state."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from lora_mixer.adapters import Dense, Kronecker, LayerOp, LowRank, Rotation, Weights, make_layer
from lora_mixer.errors import BrokenAdapterError
from tests.support.kind_examples import (
    CONV_3,
    LINEAR,
    boft,
    full,
    generator,
    glora,
    glora_old,
    ia3,
    loha,
    lokr,
    lora,
    oft,
    randn,
    with_magnitude,
)

INPAINTING = (24, 9, 3, 3)
TEXT_TO_IMAGE = (24, 4, 3, 3)


@pytest.mark.parametrize("build", [oft, boft])
def test_rotations_at_strength_1_keep_the_norm_of_every_input(build) -> None:
    base = Weights(randn(generator(1), *LINEAR), None)
    new = base.weight + make_layer(build(LINEAR, generator(2)), LINEAR, None).delta(base).weight
    torch.testing.assert_close(new.norm(dim=0), base.weight.norm(dim=0))
    torch.testing.assert_close(new.T @ new, base.weight.T @ base.weight)


def test_the_early_form_of_oft_holds_the_rotations_themselves() -> None:
    slots = oft(LINEAR, generator(2)) | {"alpha": torch.tensor(0.0)}
    skew = slots["oft_blocks"] - slots["oft_blocks"].mT
    unit = torch.eye(skew.shape[-1], dtype=skew.dtype)
    rotations = (unit + skew) @ torch.linalg.inv(unit - skew)
    base = Weights(randn(generator(1), *LINEAR), None)
    early = make_layer({"oft_diag": rotations}, LINEAR, None).delta(base).weight
    torch.testing.assert_close(early, make_layer(slots, LINEAR, None).delta(base).weight)


def test_oft_s_alpha_bounds_the_turn_and_zero_bounds_nothing() -> None:
    base = Weights(randn(generator(1), *LINEAR), None)

    def size(alpha: float | None) -> float:
        slots = {"oft_blocks": randn(generator(2), 4, 6, 6)}
        slots |= {} if alpha is None else {"alpha": torch.tensor(alpha)}
        return float(make_layer(slots, LINEAR, None).delta(base).weight.norm())

    assert size(None) == size(0.0) == size(1e3)
    assert size(1e-4) < 0.01 * size(None)
    # R - I is 2 Q to first order, and Q's norm is alpha times the outputs
    assert size(1e-6) == pytest.approx(size(2e-6) / 2, rel=1e-3)


def test_both_layouts_of_glora_mean_the_same() -> None:
    base = Weights(randn(generator(1), *CONV_3), None)
    new, old = (make_layer(build(CONV_3, generator(2)), CONV_3, None).delta(base) for build in (glora, glora_old))
    assert torch.equal(new.weight, old.weight)


@pytest.mark.parametrize("build", [lora, loha, lokr("whole", "factored"), full])
def test_a_text_to_image_adapter_fits_an_inpainting_model_and_leaves_its_extra_inputs_alone(build) -> None:
    slots = build(TEXT_TO_IMAGE, generator(1))
    base = Weights(randn(generator(2), *INPAINTING), randn(generator(3), 24))
    layer = make_layer(slots, INPAINTING, (24,))
    delta = layer.delta(base)
    narrow = make_layer(slots, TEXT_TO_IMAGE, (24,)).delta(Weights(base.weight[:, :4], base.bias))
    assert torch.equal(delta.weight[:, :4], narrow.weight)
    assert not delta.weight[:, 4:].any()
    x, op = randn(generator(4), 2, 9, 5, 5), LayerOp(run=F.conv2d, weight=base.weight, bias=base.bias)
    y, one = F.conv2d(x, base.weight, base.bias), torch.ones(2, dtype=torch.float64)
    added = sum(
        term.forward(x, y, op, one[:, None].expand(-1, term.rank) if isinstance(term, LowRank) else one)
        for term in layer.side(base)
    )
    torch.testing.assert_close(added, F.conv2d(x, delta.weight, delta.bias))


def test_a_dora_for_4_inputs_is_refused_on_an_inpainting_model() -> None:
    slots = with_magnitude(lora(TEXT_TO_IMAGE, generator(1)), TEXT_TO_IMAGE, generator(2), "in")
    with pytest.raises(BrokenAdapterError, match="inpainting"):
        make_layer(slots, INPAINTING, None)


def test_a_resized_file_is_right_in_every_module_to_1e_6() -> None:
    rng = generator(5)
    for rank, alpha in ((1, 0.5), (7, 3.5), (16, 8.0), (3, 12.0), (24, 1.0)):
        up, down = randn(rng, 24, rank).half(), randn(rng, rank, 16).half()
        layer = make_layer({"up": up, "down": down, "alpha": torch.tensor(alpha).half()}, LINEAR, None)
        exact = alpha / rank * up.double() @ down.double()
        found = layer.delta(Weights(torch.zeros(LINEAR), None)).weight
        assert (found - exact).abs().max() <= 1e-6 * exact.abs().max()


def test_scale_in_the_file_overrides_alpha_and_scalar_multiplies_either() -> None:
    slots = lora(LINEAR, generator(1))
    plain = make_layer(slots, LINEAR, None).scale
    half = torch.tensor(0.5)
    assert make_layer(slots | {"scalar": half}, LINEAR, None).scale == plain * 0.5
    assert make_layer(slots | {"scale": torch.tensor(3.0), "scalar": half}, LINEAR, None).scale == 1.5


def test_alpha_means_nothing_to_two_whole_kronecker_factors_and_to_a_full_difference() -> None:
    for slots in (lokr("whole", "whole")(LINEAR, generator(1)), full(LINEAR, generator(1))):
        assert make_layer(slots | {"alpha": torch.tensor(9.0)}, LINEAR, (24,)).scale == 1.0


def test_each_kind_takes_its_cheapest_exact_side_form() -> None:
    base = Weights(randn(generator(1), *LINEAR), randn(generator(2), 24))

    def terms(slots):
        return [type(term) for term in make_layer(slots, LINEAR, (24,)).side(base)]

    assert terms(lora(LINEAR, generator(3))) == [LowRank]
    assert terms(lokr("whole", "whole")(LINEAR, generator(3))) == [Kronecker]
    assert terms(glora(LINEAR, generator(3))) == [LowRank]
    assert terms(oft(LINEAR, generator(3))) == [Rotation]
    assert terms({"diff": randn(generator(3), *LINEAR)}) == [Dense]


def test_the_size_of_a_layer_is_the_bytes_of_its_tensors() -> None:
    slots = {"up": torch.ones(24, 2).half(), "down": torch.ones(2, 16).half(), "alpha": torch.tensor(1.0)}
    assert make_layer(slots, LINEAR, None).size() == (24 * 2 + 2 * 16) * 2 + 4


def test_a_layer_tells_its_bias_without_a_weight_to_work_on() -> None:
    slots = full(LINEAR, generator(1))
    change = make_layer(slots, LINEAR, (24,)).bias_change(torch.float64)
    assert change is not None
    assert torch.equal(change, slots["diff_b"])
    assert make_layer(lora(LINEAR, generator(1)), LINEAR, None).bias_change() is None


def test_a_sparse_addend_may_have_no_entries() -> None:
    plain = lora(LINEAR, generator(1))
    none = {
        "bias_indices": torch.zeros(2, 0, dtype=torch.int16),
        "bias_values": torch.zeros(0),
        "bias_size": torch.tensor(LINEAR),
    }
    base = Weights(randn(generator(2), *LINEAR), None)
    one, other = (make_layer(slots, LINEAR, None).delta(base).weight for slots in (plain, plain | none))
    assert torch.equal(one, other)


def test_a_butterfly_with_a_stage_too_many_or_odd_blocks_is_refused() -> None:
    make_layer({"oft_blocks": torch.zeros(3, 4, 6, 6)}, LINEAR, None)
    for shape in ((4, 4, 6, 6), (1, 8, 3, 3), (3, 6, 4, 4)):
        with pytest.raises(BrokenAdapterError, match="butterfly"):
            make_layer({"oft_blocks": torch.zeros(shape)}, LINEAR, None)


def test_an_up_factor_with_a_kernel_is_refused() -> None:
    with pytest.raises(BrokenAdapterError, match="1x1"):
        make_layer({"up": torch.ones(24, 2, 3, 3), "down": torch.ones(2, 16, 3, 3)}, CONV_3, None)


def test_lokr_s_alpha_is_divided_by_the_inner_factors_rank() -> None:
    slots = {"k1_a": torch.ones(4, 1), "k1_b": torch.ones(1, 4), "k2_a": torch.ones(6, 2), "k2_b": torch.ones(2, 4)}
    assert make_layer(slots | {"alpha": torch.tensor(4.0)}, LINEAR, None).scale == 2.0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("dim", [100_000, 9_999_999_999])
def test_two_whole_lokr_factors_ignore_the_dimension_that_trainers_ask_whole_factors_by(
    dim: int, dtype: torch.dtype
) -> None:
    """LyCORIS, ai-toolkit and OneTrainer write alpha = dim there; in half precision that is infinity."""
    slots = {"k1": torch.ones(4, 4), "k2": torch.ones(6, 4)}
    layer = make_layer(slots | {"alpha": torch.tensor(float(dim)).to(dtype)}, LINEAR, None)
    assert layer.scale == 1.0
    change = layer.delta(Weights(torch.zeros(LINEAR), None)).weight
    assert change is not None
    assert torch.equal(change, torch.ones(LINEAR))
    halves = {"k1": torch.ones(4, 4), "k2_a": torch.ones(6, 2), "k2_b": torch.ones(2, 4)}
    infinite = halves | {"alpha": torch.tensor(float(dim)).to(torch.float16)}
    with pytest.raises(BrokenAdapterError, match="alpha"):  # where one factor is not whole, alpha means something
        make_layer(infinite, LINEAR, None)


def test_glora_of_four_equal_squares_is_read_in_today_s_layout() -> None:
    rng, square = generator(1), (6, 6)
    slots = {name: randn(rng, *square) for name in ("a1", "a2", "b1", "b2")}
    base = Weights(randn(rng, *square), None)
    expected = base.weight @ slots["a1"] @ slots["a2"] + slots["b1"] @ slots["b2"]
    torch.testing.assert_close(make_layer(slots, square, None).delta(base).weight, expected)


@pytest.mark.parametrize("on_input", [True, False])
def test_ia3_follows_a_scale_in_the_file_in_both_forms(on_input: bool) -> None:
    slots = ia3(on_input=on_input)(LINEAR, generator(1))
    base = Weights(randn(generator(2), *LINEAR), None)
    plain, scaled = (make_layer(s, LINEAR, None) for s in (slots, slots | {"scale": torch.tensor(0.25)}))
    torch.testing.assert_close(scaled.delta(base).weight, plain.delta(base).weight * 0.25)
    torch.testing.assert_close(scaled.side(base)[0].gain, plain.side(base)[0].gain * 0.25)


def test_a_rank_may_reach_1024_or_the_layer_s_own_and_no_more() -> None:
    def of_rank(rank: int, shape: tuple[int, int]) -> None:
        make_layer({"up": torch.ones(shape[0], rank), "down": torch.ones(rank, shape[1])}, shape, None)

    of_rank(1024, LINEAR)
    of_rank(1100, (1200, 1100))
    for rank, shape in ((1025, LINEAR), (1101, (1200, 1100))):
        with pytest.raises(BrokenAdapterError, match="beyond any use"):
            of_rank(rank, shape)


def test_onetrainer_s_oft_turns_a_linear_layer_s_inputs_and_a_convolution_s_weight() -> None:
    """Its module's forward, written out: `x R` before a linear layer, `W R` on a convolution, Q by 2 sqrt(b - 1)."""
    rng, size = generator(5), 4
    for shape in (LINEAR, CONV_3):
        weight, inputs = randn(rng, *shape), math.prod(shape[1:])
        values = randn(rng, inputs // size, size * (size - 1) // 2)
        q = torch.zeros(inputs // size, size, size, dtype=values.dtype)
        q[:, [0, 0, 0, 1, 1, 2], [1, 2, 3, 2, 3, 3]] = values / (2 * 3**0.5)
        q = q - q.mT
        whole = torch.block_diag(*(torch.eye(size) + 2 * q + 2 * q @ q + 2 * q @ q @ q + q @ q @ q @ q))
        layer = make_layer({"oft_r": values, "scaled_oft": torch.tensor(True)}, shape, None)
        change = layer.delta(Weights(weight, None)).weight
        assert change is not None
        turned = weight.flatten(1) @ (whole.T if shape == LINEAR else whole)
        torch.testing.assert_close((weight + change).flatten(1), turned)


def test_ai_toolkit_s_dora_is_one_magnitude_per_output() -> None:
    """Its forward, written out: base + lora + (m / ||W + D|| - 1) (W + D) x."""
    rng = generator(6)
    weight, x = randn(rng, *LINEAR), randn(rng, 3, 16)
    up, down, magnitude = randn(rng, 24, 2), randn(rng, 2, 16), torch.rand(24, generator=rng, dtype=torch.float64)
    whole = weight + up @ down
    expected = F.linear(x, whole) + (magnitude / torch.linalg.norm(whole, dim=1) - 1) * F.linear(x, whole)
    change = (
        make_layer({"up": up, "down": down, "magnitude": magnitude}, LINEAR, None).delta(Weights(weight, None)).weight
    )
    assert change is not None
    torch.testing.assert_close(F.linear(x, weight + change), expected)


def test_a_biased_second_factor_is_scaled_as_the_product_is() -> None:
    slots = lora(LINEAR, generator(1)) | {"alpha": torch.tensor(3.0), "up_bias": torch.ones(24)}
    layer = make_layer(slots, LINEAR, (24,))
    change = layer.bias_change(torch.float64)
    assert change is not None
    torch.testing.assert_close(change, torch.full((24,), 3.0 / slots["down"].shape[0], dtype=torch.float64))
    assert make_layer(slots, LINEAR, None).new_bias
    assert not layer.new_bias
    for more, said in (({"diff_b": torch.ones(24)}, "the layer has none"), ({"up_bias": torch.ones(23)}, "bias is 24")):
        with pytest.raises(BrokenAdapterError, match=said):
            make_layer(slots | more, LINEAR, None)
    with pytest.raises(BrokenAdapterError, match="trained by no program"):
        make_layer(slots | {"magnitude": torch.ones(24)}, LINEAR, (24,))
