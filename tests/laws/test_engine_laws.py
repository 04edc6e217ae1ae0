"""Two ways to one result: merged weights and side paths, on every kind, in mixed stacks, row by row."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from lora_mixer.adapters import Layer, Weights, make_layer
from lora_mixer.blend import MergeEngine, SideEngine, Stack, WeightedAdapter
from lora_mixer.blend.layer_ops import operator_of
from lora_mixer.blend.masks import open_mask
from lora_mixer.mixes import Curve, Rectangle, Strength
from lora_mixer.modules import DENOISER, ModuleName
from tests.support.hooks import forward_hooks
from tests.support.kind_examples import CONV_3, EXAMPLES, LINEAR, Example, Shape, generator
from tests.support.specs import specs_of

NAME = ModuleName(DENOISER, "mid_block.resnets.0.layer")
TOLERANCE = {"rtol": 1e-4, "atol": 1e-4}
every_example = pytest.mark.parametrize("example", EXAMPLES, ids=str)


class OneLayer:
    """A model of one module."""

    dtype = torch.float32
    device = torch.device("cpu")

    def __init__(self, shape: Shape) -> None:
        torch.manual_seed(3)
        match len(shape):
            case 1:
                self.layer: nn.Module = nn.LayerNorm(shape[0])
            case 2:
                self.layer = nn.Linear(shape[1], shape[0])
            case _:
                self.layer = nn.Conv2d(shape[1], shape[0], shape[2:], stride=2, padding=shape[2] // 2)
        self.layer.requires_grad_(False)

    @property
    def parts(self) -> dict[str, nn.Module]:
        return {DENOISER: self.layer}

    def module(self, _name: ModuleName) -> nn.Module:
        return self.layer


def inputs(shape: Shape, rows: int) -> Tensor:
    rng = generator(11)
    return (
        torch.randn(rows, 16, 7, 7, generator=rng)
        if len(shape) == 4
        else torch.randn(rows, 5, shape[-1], generator=rng)
    )


def adapter(layer: Layer, number: int) -> SimpleNamespace:
    return SimpleNamespace(digest=f"{number:064x}", layers={NAME: layer}, modules=specs_of([NAME]))


def stack(*pairs: tuple[SimpleNamespace, Strength]) -> Stack:
    return Stack([WeightedAdapter(adapter=a, strength=s) for a, s in pairs])


def built(example: Example, shape: Shape, seed: int) -> Layer:
    return make_layer(example.build(shape, generator(seed)), shape, shape[:1])


@every_example
def test_merged_weights_and_side_paths_give_the_same_output(example: Example) -> None:
    for shape in example.shapes:
        model = OneLayer(shape)
        x = inputs(shape, 3)
        mix = stack((adapter(built(example, shape, 5), 1), Strength(0.7)))
        with MergeEngine(model).applied([mix], parts=(DENOISER,)):
            merged = model.layer(x)
        with SideEngine(model).applied([mix] * 3, parts=(DENOISER,)):
            beside = model.layer(x)
        assert not torch.allclose(merged, model.layer(x), **TOLERANCE)
        torch.testing.assert_close(beside, merged, **TOLERANCE)


@every_example
def test_each_row_of_a_mixed_batch_equals_the_same_row_under_its_own_mix_alone(example: Example) -> None:
    other = next(e for e in EXAMPLES if e.kind == "lora")
    for shape in (shape for shape in example.shapes if shape in other.shapes):
        model = OneLayer(shape)
        x = inputs(shape, 4)
        first, second = adapter(built(example, shape, 5), 1), adapter(built(other, shape, 6), 2)
        mixes = [
            stack(),
            stack((first, Strength(1.0))),
            stack((first, Strength(-0.5)), (second, Strength(0.25))),
            stack((second, Strength(2.0))),
        ]
        with SideEngine(model).applied(mixes, parts=(DENOISER,)):
            together = model.layer(x)
        for row, mix in enumerate(mixes):
            with MergeEngine(model).applied([mix], parts=(DENOISER,)):
                torch.testing.assert_close(together[row : row + 1], model.layer(x[row : row + 1]), **TOLERANCE)


@pytest.mark.parametrize("shape", [LINEAR, CONV_3], ids=["linear", "convolution"])
def test_a_strength_curve_acts_alike_in_both_engines(shape: Shape) -> None:
    lora = next(e for e in EXAMPLES if e.kind == "lora" and shape in e.shapes)
    model = OneLayer(shape)
    x = inputs(shape, 1)
    curve = Curve(points=((0.0, 0.0), (1.0, 1.0)))
    mix = stack((adapter(built(lora, shape, 5), 1), Strength(1.0, curve=curve)))
    merge, side = MergeEngine(model), SideEngine(model)
    outputs = []
    for progress in (0.0, 0.5, 1.0):
        with merge.applied([mix], parts=(DENOISER,), progress=progress):
            outputs.append(model.layer(x))
        with side.applied([mix], parts=(DENOISER,), progress=progress):
            torch.testing.assert_close(model.layer(x), outputs[-1], **TOLERANCE)
    assert torch.equal(outputs[0], model.layer(x))
    assert not torch.allclose(outputs[1], outputs[2])


def test_side_paths_are_gone_on_every_way_out() -> None:
    lora = next(e for e in EXAMPLES if e.kind == "lora")
    model = OneLayer(LINEAR)
    x = inputs(LINEAR, 1)
    before = model.layer(x)
    mix = stack((adapter(built(lora, LINEAR, 5), 1), Strength()))
    with pytest.raises(KeyboardInterrupt), SideEngine(model).applied([mix], parts=(DENOISER,)):
        raise KeyboardInterrupt
    assert torch.equal(model.layer(x), before)


@every_example
def test_a_mask_mixes_the_masked_and_the_plain_output_place_by_place(example: Example) -> None:
    area = Rectangle(left=0.0, top=0.1, right=0.6, bottom=1.0)
    for shape in (shape for shape in example.shapes if len(shape) > 1):
        model = OneLayer(shape)
        side = SideEngine(model)
        x = inputs(shape, 2) if len(shape) == 4 else torch.randn(2, 12, shape[-1], generator=generator(12))
        part = adapter(built(example, shape, 5), 1)
        masked, whole = stack((part, Strength(0.7, mask=area))), stack((part, Strength(0.7)))
        plain = model.layer(x)
        size = tuple(plain.shape[2:]) if len(shape) == 4 else (4, 3)
        with side.applied([whole, whole], parts=(DENOISER,)):
            everywhere = model.layer(x)
        with side.applied([masked, whole], parts=(DENOISER,), size=size):
            output = model.layer(x)
        shares = open_mask(area).at(*size).float()
        over = shares if len(shape) == 4 else shares.reshape(-1, 1)
        torch.testing.assert_close(output[0], plain[0] + over * (everywhere - plain)[0], **TOLERANCE)
        torch.testing.assert_close(output[1], everywhere[1], **TOLERANCE)


def test_one_adapter_with_two_masks_acts_with_the_sum_of_both() -> None:
    lora = next(e for e in EXAMPLES if e.kind == "lora" and CONV_3 in e.shapes)
    model = OneLayer(CONV_3)
    side, x = SideEngine(model), inputs(CONV_3, 1)
    part = adapter(built(lora, CONV_3, 5), 1)
    left, right = Rectangle(left=0, top=0, right=0.3, bottom=1), Rectangle(left=0.3, top=0, right=1, bottom=1)
    with side.applied([stack((part, Strength(0.5)))], parts=(DENOISER,)):
        whole = model.layer(x)
    both = stack((part, Strength(0.5, mask=left)), (part, Strength(0.5, mask=right)))
    with side.applied([both], parts=(DENOISER,), size=(4, 4)):
        torch.testing.assert_close(model.layer(x), whole, **TOLERANCE)


def test_on_text_an_adapter_acts_with_the_mean_of_its_mask() -> None:
    lora = next(e for e in EXAMPLES if e.kind == "lora" and LINEAR in e.shapes)
    model, x = OneLayer(LINEAR), inputs(LINEAR, 1)
    layer = built(lora, LINEAR, 5)
    quarter = Rectangle(left=0, top=0, right=0.5, bottom=0.5)
    for name in (ModuleName("te1", "text_model.x"), ModuleName(DENOISER, "mid_block.attn2.to_v")):
        part = SimpleNamespace(digest="1" * 64, layers={name: layer}, modules=specs_of([name]))
        side = SideEngine(model)
        with side.applied([stack((part, Strength(0.2)))], parts=(name.part,)):
            wanted = model.layer(x)
        with side.applied([stack((part, Strength(0.8, mask=quarter)))], parts=(name.part,), size=(4, 4)):
            torch.testing.assert_close(model.layer(x), wanted, **TOLERANCE)


def test_moving_a_strength_writes_numbers_and_leaves_every_branch_where_it_is() -> None:
    lora = next(e for e in EXAMPLES if e.kind == "lora" and LINEAR in e.shapes)
    model, x = OneLayer(LINEAR), inputs(LINEAR, 2)
    first, second = adapter(built(lora, LINEAR, 5), 1), adapter(built(lora, LINEAR, 6), 2)
    side = SideEngine(model)

    def mixes(value: float) -> list[Stack]:
        return [stack((first, Strength(value)), (second, Strength())), stack((second, Strength(value)))]

    seen = []
    with side.applied(mixes(0.5), parts=(DENOISER,)):
        model.layer(x)
        hooks = dict(forward_hooks(model.layer))
    for value in (0.6, 0.0, -3.0):
        with side.applied(mixes(value), parts=(DENOISER,)):
            seen.append(model.layer(x))
        assert dict(forward_hooks(model.layer)) == hooks
    assert not torch.equal(seen[0], seen[1])
    with side.applied([stack()], parts=(DENOISER,)):
        assert not forward_hooks(model.layer)


@pytest.mark.filterwarnings("ignore")  # torch's compiler warns about itself
def test_a_compiled_model_is_not_compiled_again_when_strengths_move() -> None:
    lora = next(e for e in EXAMPLES if e.kind == "lora" and LINEAR in e.shapes)
    model, x = OneLayer(LINEAR), inputs(LINEAR, 2)
    first, second = adapter(built(lora, LINEAR, 5), 1), adapter(built(lora, LINEAR, 6), 2)
    side, graphs = SideEngine(model), []

    def backend(graph: torch.fx.GraphModule, _inputs: object) -> object:
        graphs.append(graph)
        return graph.forward

    eager = nn.Sequential(model.layer)
    compiled = torch.compile(eager, backend=backend, fullgraph=True)
    for value in (0.5, 0.25, -1.0, 3.0):
        mixes = [stack((first, Strength(value)), (second, Strength())), stack((second, Strength(-value)))]
        with side.applied(mixes, parts=(DENOISER,)):
            torch.testing.assert_close(compiled(x), eager(x), **TOLERANCE)
    assert len(graphs) == 1
    assert torch.equal(compiled(x), eager(x))


@pytest.mark.parametrize("kind", ["lora", "lokr", "full", "loha", "oftv2"])
def test_an_embedding_s_rows_change_alike_in_both_engines(kind: str) -> None:
    model = OneLayer(LINEAR)
    model.layer = nn.Embedding(*LINEAR).requires_grad_(requires_grad=False)
    example = next(example for example in EXAMPLES if example.kind == kind)
    layer = make_layer({n: t for n, t in example.build(LINEAR, generator(5)).items() if n != "diff_b"}, LINEAR, None)
    tokens, mix = torch.tensor([[0, 3, 23], [1, 1, 5]]), stack((adapter(layer, 1), Strength(0.7)))
    plain = model.layer(tokens)
    with MergeEngine(model).applied([mix, mix], parts=[DENOISER]):
        merged = model.layer(tokens)
    with SideEngine(model).applied([mix, mix], parts=[DENOISER]):
        side = model.layer(tokens)
    torch.testing.assert_close(side, merged, **TOLERANCE)
    assert not torch.equal(side, plain)
    assert torch.equal(model.layer(tokens), plain)


@pytest.mark.parametrize("shape", [LINEAR, CONV_3], ids=str)
def test_a_biased_factor_acts_beside_and_in_a_layer_without_a_bias_and_leaves_none_behind(shape: Shape) -> None:
    model = OneLayer(shape)
    model.layer.bias = None
    example = next(example for example in EXAMPLES if example.form == "biased")
    layer = make_layer(example.build(shape, generator(5)), shape, None)
    x, mix = inputs(shape, 2), stack((adapter(layer, 1), Strength(0.7)))
    plain = model.layer(x)
    with SideEngine(model).applied([mix, mix], parts=[DENOISER]):
        side = model.layer(x)
    merge = MergeEngine(model)
    for _ in range(2):
        with merge.applied([mix, mix], parts=[DENOISER]):
            torch.testing.assert_close(model.layer(x), side, **TOLERANCE)
        assert model.layer.bias is None
        assert torch.equal(model.layer(x), plain)
    change = layer.delta(Weights(model.layer.weight.float(), None))
    run = operator_of(model.layer).run
    torch.testing.assert_close(side, run(x, model.layer.weight + 0.7 * change.weight, 0.7 * change.bias), **TOLERANCE)
