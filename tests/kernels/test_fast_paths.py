"""What makes a model fast changes nothing of what it computes."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lora_mixer import Mixer, RenderOptions
from lora_mixer.kernels.attention import PIECE, TOGETHER_BYTES, ChunkedAttention, attend, attention_swaps
from lora_mixer.kernels.layout import TransformerInPlace, layout_swaps, to_channels_last
from lora_mixer.kernels.norms import ThinGroupNorm, norm_swaps
from lora_mixer.kernels.packing import PackedConv2d, PackedLinear, by_onednn
from lora_mixer.kernels.swaps import Swap
from lora_mixer.kernels.tuning import packing_swaps
from lora_mixer.libraries.classes import Attention, Transformer2DModel
from lora_mixer.mixer import rerender

needs_packing = pytest.mark.skipif(
    not by_onednn(torch.empty(0, dtype=torch.bfloat16)), reason="oneDNN has no bfloat16 on this processor"
)
needs_onednn = pytest.mark.skipif(
    not by_onednn(torch.empty(0)), reason="oneDNN does not compute float32 on this processor"
)
either = pytest.mark.parametrize(
    "dtype",
    [pytest.param(torch.bfloat16, marks=needs_packing), pytest.param(torch.float32, marks=needs_onednn)],
    ids=["bfloat16", "float32"],
)


def put_on(swaps: Iterable[Swap]) -> None:
    for swap in swaps:
        swap.put_on()


def pack(networks: Sequence[nn.Module]) -> None:
    """Let networks compute with packed weights, as they are while pictures are rendered."""
    for swap in packing_swaps(networks):
        swap.put_on()
        if swap.name == "packs":
            swap.fast.begin(swap.module.weight)


def noise(*shape: int, dtype: torch.dtype = torch.bfloat16, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def exact(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    scores = query.double() @ key.double().transpose(-2, -1) / query.shape[-1] ** 0.5
    return (scores.softmax(-1) @ value.double()).transpose(1, 2).flatten(2)


@pytest.mark.parametrize("places", [1, 77, 600, 1030])
@pytest.mark.parametrize("answers", [77, 1030])
def test_attention_in_pieces_is_as_exact_as_bfloat16_scores_allow(places: int, answers: int) -> None:
    query, key, value = noise(2, 4, places, 40), noise(2, 4, answers, 40, seed=1), noise(2, 4, answers, 40, seed=2)
    wanted = exact(query, key, value)
    error = (attend(query, key, value).double() - wanted).norm() / wanted.norm()
    assert error < 2 * 2**-8  # scores, weights and sums are each rounded to 8 bits once
    whole = F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)
    assert (whole.double() - wanted).norm() / wanted.norm() < 2**-8


def test_every_way_to_take_rows_heads_and_places_computes_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 4 * PIECE * 1030 * 2 > TOGETHER_BYTES > 4 * 600 * 77 * 2
    query, key, value = (noise(2, 4, 90, 40, seed=seed) for seed in range(3))
    wanted = attend(query, key, value)  # every row at once
    for piece, together in ((7, 1), (32, 2**14), (90, 2**15)):
        monkeypatch.setattr("lora_mixer.kernels.attention.PIECE", piece)
        monkeypatch.setattr("lora_mixer.kernels.attention.TOGETHER_BYTES", together)
        assert torch.equal(attend(query, key, value), wanted)


@pytest.mark.parametrize(("piece", "together"), [(PIECE, TOGETHER_BYTES), (32, 1), (7, 2**13)])
def test_the_gradient_of_attention_in_pieces_is_as_exact_as_its_numbers(
    monkeypatch: pytest.MonkeyPatch, piece: int, together: int
) -> None:
    monkeypatch.setattr("lora_mixer.kernels.attention.PIECE", piece)
    monkeypatch.setattr("lora_mixer.kernels.attention.TOGETHER_BYTES", together)
    rounded = [noise(2, 4, count, 40, seed=seed) for seed, count in enumerate((90, 77, 77))]
    asked = noise(2, 90, 160, seed=3)
    learned = [one.clone().requires_grad_() for one in rounded]
    attend(learned[0], learned[1], learned[2]).backward(asked)
    known = [one.double().requires_grad_() for one in rounded]
    exact(known[0], known[1], known[2]).backward(asked.double())
    for one, other in zip(learned, known, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert (one.grad.double() - other.grad).norm() / other.grad.norm() < 3 * 2**-8


@pytest.mark.parametrize("linear", [True, False])
def test_a_transformer_keeps_the_layout_of_its_picture_and_what_it_computes(*, linear: bool) -> None:
    torch.manual_seed(0)
    block = Transformer2DModel(2, 8, in_channels=16, norm_num_groups=4, use_linear_projection=linear)
    block = block.requires_grad_(requires_grad=False).eval()
    x = noise(2, 16, 6, 5, dtype=torch.float32)
    wanted = block(x, return_dict=False)[0]
    put_on(layout_swaps(nn.Sequential(block)))
    assert isinstance(block, TransformerInPlace)
    for layout in (torch.contiguous_format, torch.channels_last):
        found = block(x.contiguous(memory_format=layout), return_dict=False)[0]
        assert found.is_contiguous(memory_format=layout)
        torch.testing.assert_close(found, wanted)


def test_in_float32_attention_is_torchs_own() -> None:
    query, key, value = (noise(2, 4, 90, 40, dtype=torch.float32, seed=seed) for seed in range(3))
    torch.testing.assert_close(attend(query, key, value).double(), exact(query, key, value), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("places", [90, 200, 600])
def test_a_rows_attention_does_not_depend_on_its_neighbours(places: int) -> None:
    query, key, value = (noise(3, 4, places, 40, seed=seed) for seed in range(3))
    together = attend(query, key, value)
    for row in range(3):
        one = slice(row, row + 1)
        assert torch.equal(attend(query[one], key[one], value[one]), together[one])


def layer(text: int | None) -> Attention:
    torch.manual_seed(0)
    made = Attention(query_dim=32, cross_attention_dim=text, heads=4, dim_head=8, bias=False)
    return made.requires_grad_(requires_grad=False).eval()


@pytest.mark.parametrize("text", [None, 24])
def test_a_layer_computes_what_diffusers_processor_computes(text: int | None) -> None:
    attention, x = layer(text), noise(2, 50, 32, dtype=torch.float32)
    words = None if text is None else noise(2, 77, text, dtype=torch.float32, seed=1)
    wanted = attention(x, encoder_hidden_states=words)
    put_on(attention_swaps(nn.Sequential(attention)))
    assert isinstance(attention.processor, ChunkedAttention)
    torch.testing.assert_close(attention(x, encoder_hidden_states=words), wanted)


def test_the_texts_keys_and_values_are_computed_once_for_all_steps() -> None:
    attention, words = layer(24), noise(2, 77, 24, dtype=torch.float32, seed=1)
    put_on(attention_swaps(nn.Sequential(attention)))
    calls: list[str] = []
    for name in ("to_q", "to_k", "to_v"):
        getattr(attention, name).register_forward_hook(lambda *_, name=name: calls.append(name))
    text_kv: dict[nn.Module, tuple[Tensor, Tensor]] = {}
    for seed in range(3):
        x = noise(2, 50, 32, dtype=torch.float32, seed=seed)
        assert torch.equal(
            attention(x, encoder_hidden_states=words, text_kv=text_kv), attention(x, encoder_hidden_states=words)
        )
    assert calls.count("to_q") == 6
    assert calls.count("to_k") == calls.count("to_v") == 4


@pytest.mark.parametrize("side", [3, 31, 32])
@pytest.mark.parametrize("channels", [64, 640])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_thin_norm_keeps_layout_and_precision(
    side: int, channels: int, layout: torch.memory_format, dtype: torch.dtype
) -> None:
    norm = nn.GroupNorm(32, channels).requires_grad_(requires_grad=False)
    norm.weight.copy_(noise(channels, dtype=torch.float32, seed=1))
    norm.bias.copy_(noise(channels, dtype=torch.float32, seed=2))
    norm = norm.to(dtype)
    x = (3 + noise(2, channels, side, side, dtype=torch.float32)).to(dtype).contiguous(memory_format=layout)
    wanted = F.group_norm(x.double(), 32, norm.weight.double(), norm.bias.double(), norm.eps)
    put_on(norm_swaps(nn.Sequential(norm)))
    assert isinstance(norm, ThinGroupNorm) == (channels == 64)
    found = norm(x)
    assert found.is_contiguous(memory_format=layout)
    assert (found.double() - wanted).norm() / wanted.norm() < (2**-8 if dtype is torch.bfloat16 else 1e-5)


def test_a_rows_thin_norm_does_not_depend_on_its_neighbours() -> None:
    norm = nn.GroupNorm(32, 64).bfloat16().requires_grad_(requires_grad=False)
    put_on(norm_swaps(nn.Sequential(norm)))
    x = noise(3, 64, 16, 16).contiguous(memory_format=torch.channels_last)
    for row in range(3):
        assert torch.equal(norm(x[row : row + 1]), norm(x)[row : row + 1])


def convolution(dtype: torch.dtype = torch.bfloat16) -> tuple[nn.Conv2d, Tensor]:
    torch.manual_seed(0)
    conv = nn.Conv2d(64, 96, 3, stride=2, padding=1).to(dtype).requires_grad_(requires_grad=False)
    return conv, noise(2, 64, 12, 12, dtype=dtype).contiguous(memory_format=torch.channels_last)


def convolved(conv: nn.Conv2d, weight: Tensor, x: Tensor) -> Tensor:
    """Return what torch computes with a weight; in float32, where its bits are other ones, what a new layer does."""
    plain = F.conv2d(x, weight, conv.bias, conv.stride, conv.padding)
    if weight.dtype is torch.bfloat16:
        return plain
    fresh = nn.Conv2d(conv.in_channels, conv.out_channels, 3, stride=conv.stride, padding=1)
    fresh.weight, fresh.bias = nn.Parameter(weight.clone(), requires_grad=False), conv.bias
    pack([fresh])
    made = fresh(x)
    torch.testing.assert_close(made, plain, rtol=1e-5, atol=1e-5)
    return made


def linear(*, bias: bool = True) -> tuple[nn.Linear, Tensor]:
    torch.manual_seed(0)
    return nn.Linear(320, 96, bias=bias).bfloat16().requires_grad_(requires_grad=False), noise(2, 77, 320)


@needs_packing
@pytest.mark.parametrize("bias", [True, False])
def test_a_packed_linear_layer_computes_the_same_bits_at_every_length_and_batch(*, bias: bool) -> None:
    layer, x = linear(bias=bias)
    inputs = (x, x[:1], x[:, :2].contiguous(), x[0, 0])
    plain = [layer(given) for given in inputs]
    pack([nn.Sequential(layer)])
    assert isinstance(layer, PackedLinear)
    for given, wanted in zip(inputs, plain, strict=True):
        assert torch.equal(layer(given), wanted)
    assert layer.packs.pristine_pack is not None


@needs_packing
def test_a_packed_linear_layer_follows_every_weight_that_is_put_on_and_the_pristine_one_back() -> None:
    layer, x = linear()
    pack([nn.Sequential(layer)])
    pristine, before = layer.weight.data, layer(x)
    for seed in (1, 2, 3):
        mix = noise(*pristine.shape, seed=seed)
        for _ in range(3):
            layer.packs.installed(mix)
            layer.weight.data = mix
            assert torch.equal(layer(x), F.linear(x, mix, layer.bias))
            layer.packs.installed(pristine)
            layer.weight.data = pristine
            assert torch.equal(layer(x), before)
        assert layer.packs.mixed_pack is not None


@needs_onednn
def test_in_float32_a_linear_layer_is_onednns_and_keeps_no_pack_and_a_row_not_its_neighbours() -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(320, 96).requires_grad_(requires_grad=False), noise(3, 77, 320, dtype=torch.float32)
    wanted = F.linear(x.double(), layer.weight.double(), layer.bias.double())
    pack([nn.Sequential(layer)])
    assert isinstance(layer, PackedLinear)
    torch.testing.assert_close(layer(x).double(), wanted, rtol=1e-5, atol=1e-5)
    for row in range(3):
        assert torch.equal(layer(x[row : row + 1]), layer(x)[row : row + 1])
    assert layer.packs.pristine_pack is None


@needs_packing
def test_a_packed_convolution_computes_the_same_bits_at_every_size_and_batch() -> None:
    conv, x = convolution()
    plain = [conv(x), conv(x[:1]), conv(x[:, :, :7, :9])]
    pack([conv])
    assert isinstance(conv, PackedConv2d)
    assert isinstance(conv, nn.Conv2d)
    for given, wanted in zip((x, x[:1], x[:, :, :7, :9]), plain, strict=True):
        assert torch.equal(conv(given), wanted)
    assert conv.packs.pristine_pack is not None


@either
@pytest.mark.parametrize("channels", [(4, 32), (64, 4), (64, 64)])
@pytest.mark.parametrize("kernel", [1, 3])
def test_a_convolutions_bits_hang_on_neither_history_nor_memory_nor_neighbours(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, channels: tuple[int, int], kernel: int
) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(*channels, kernel, padding=kernel // 2).to(dtype).requires_grad_(requires_grad=False)
    pictures = [
        to_channels_last(noise(n, channels[0], side, side, dtype=dtype)) for n, side in ((3, 16), (1, 8), (2, 33))
    ]
    found = []
    for free, order in ((None, (0, 1, 2)), (None, (2, 1, 0)), (0, (1, 0, 2))):
        conv = copy.deepcopy(plain)
        monkeypatch.setattr("lora_mixer.kernels.tuning.available_bytes", lambda free=free: free)
        pack([conv])
        made = {index: conv(pictures[index]) for index in order}
        assert (conv.packs.pristine_pack is None) == (free == 0)
        found.append([made[index] for index in range(3)])
        for row in range(3):
            assert torch.equal(conv(pictures[0][row : row + 1]), made[0][row : row + 1])
    for others in found[1:]:
        assert all(torch.equal(one, other) for one, other in zip(found[0], others, strict=True))
    wanted = plain.double()(pictures[0].double())
    assert (found[0][0].double() - wanted).norm() / wanted.norm() < (1e-5 if dtype is torch.float32 else 2**-7)


@either
def test_a_packed_convolution_follows_every_weight_that_is_put_on_and_the_pristine_one_back(dtype: torch.dtype) -> None:
    conv, x = convolution(dtype)
    pack([conv])
    pristine, before = conv.weight.data, conv(x)
    spare = torch.empty_like(pristine)
    for seed in (1, 2, 3):
        spare.copy_(noise(*pristine.shape, dtype=dtype, seed=seed))  # each mix is written over the one before
        wanted = convolved(conv, spare, x)
        for _ in range(3):  # as it is, packed, from the pack
            conv.packs.installed(spare)
            conv.weight.data = spare
            assert torch.equal(conv(x), wanted)
            conv.packs.installed(pristine)
            conv.weight.data = pristine
            assert torch.equal(conv(x), before)
        assert conv.packs.mixed_pack is not None


@either
def test_a_mix_that_comes_to_lie_where_an_earlier_one_lay_is_not_taken_for_it(dtype: torch.dtype) -> None:
    conv, x = convolution(dtype)
    pack([conv])
    for seed in range(1, 6):
        weight = noise(*conv.weight.shape, dtype=dtype, seed=seed)
        for _ in range(2):
            conv.packs.installed(weight)
            conv.weight.data = weight
            assert torch.equal(conv(x), convolved(conv, weight, x))
        del weight
    with torch.inference_mode():  # writes to such tensors are not counted, so they are never packed
        weight = noise(*conv.weight.shape, dtype=dtype, seed=9)
        for seed in (9, 10):
            weight.copy_(noise(*conv.weight.shape, dtype=dtype, seed=seed))
            for _ in range(2):
                conv.packs.installed(weight)
                conv.weight.data = weight
                assert torch.equal(conv(x), convolved(conv, weight, x))


@needs_packing
def test_packs_of_what_gains_little_are_not_kept_where_memory_is_short_and_then_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for enough_for, keeping in ((4, (True, False)), (3, (False, False))):
        (conv, x), (layer, y) = convolution(), linear()
        wanted = conv(x), layer(y)
        monkeypatch.setattr(
            "lora_mixer.kernels.tuning.available_bytes", lambda n=enough_for, b=conv.weight.nbytes: n * b
        )
        pack([nn.Sequential(layer, conv)])
        assert torch.equal(conv(x), wanted[0])
        assert torch.equal(layer(y), wanted[1])
        assert (conv.packs.pristine_pack is not None, layer.packs.pristine_pack is not None) == keeping


def test_a_picture_is_decoded_in_tiles_where_memory_is_short(mixer: Mixer, monkeypatch: pytest.MonkeyPatch) -> None:
    model, (width, height) = mixer.model, mixer.native_size
    assert not model.must_tile(height, width)
    monkeypatch.setattr("lora_mixer.models.decode.available_bytes", lambda: 2**20)
    assert model.must_tile(height, width)
    record = mixer.render("cat", seed=1, steps=1, width=2 * width).record
    assert record.tiled


def test_a_tiled_picture_is_nearly_the_whole_one_and_comes_out_tiled_again(mixer: Mixer) -> None:
    width, _ = mixer.native_size
    whole = mixer.render("cat", seed=1, steps=2, width=2 * width)
    assert not whole.record.tiled
    tiled = mixer.render("cat", seed=1, steps=2, width=2 * width, options=RenderOptions(tiled=True))
    assert tiled.record.tiled
    left, right = (np.asarray(picture.image).astype(int) for picture in (whole, tiled))
    assert 0 < np.abs(left - right).mean() < 10
    assert np.array_equal(np.asarray(rerender(mixer, tiled.record).image), right)


@pytest.mark.filterwarnings("ignore")  # torch's compiler warns about itself
def test_the_denoiser_is_compiled_only_where_that_is_asked_for(mixer: Mixer) -> None:
    assert not mixer.model.compiled
    compiled = Mixer.open("emoji", dtype="float32", compiled=True).model
    assert compiled.compiled
    assert compiled.denoiser.network._compiled_call_impl is not None
    assert mixer.model.denoiser.network._compiled_call_impl is None
