"""Kernels come on for a render and go off again on every way out; a model without them can be trained."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from lora_mixer import Cancel, Mixer, Progress, RenderRequest
from lora_mixer.errors import CancelledError
from lora_mixer.kernels import Kernels
from lora_mixer.kernels.attention import ChunkedAttention
from lora_mixer.kernels.packing import Packed, by_onednn
from lora_mixer.libraries.classes import Attention
from lora_mixer.pipeline import render
from tests.support.interruptions import interrupted

FILES = ("kernels/kernels.py", "kernels/swaps.py")
MOST = 4000
"""More instructions than putting a small network's kernels on and off has."""
SMALL = RenderRequest("cat", seed=1, steps=2, width=64, height=64)


def network() -> nn.Module:
    """Return an attention layer, a norm and a convolution with bfloat16 weights."""
    torch.manual_seed(0)
    layers = nn.ModuleList([Attention(32, heads=2, dim_head=16, bias=False), nn.GroupNorm(8, 32), nn.Conv2d(32, 8, 3)])
    return layers.bfloat16().requires_grad_(requires_grad=False).eval()


def state(model: nn.Module) -> list[tuple[type, dict[str, object]]]:
    """Return what every module is and has, tensors by their identity."""
    return [(type(module), dict(vars(module))) for module in model.modules()]


def test_what_is_put_on_is_taken_off_and_leaves_no_trace() -> None:
    model = network()
    before = state(model)
    kernels = Kernels(model)
    with kernels.on():
        assert [kind for kind, _ in state(model)] != [kind for kind, _ in before]
    assert state(model) == before


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_an_error_takes_them_off_too(error: type[BaseException]) -> None:
    model = network()
    before, kernels = state(model), Kernels(model)
    with pytest.raises(error), kernels.on():
        raise error
    assert state(model) == before


def test_of_two_that_use_them_at_once_the_last_takes_them_off() -> None:
    model = network()
    before, kernels = state(model), Kernels(model)
    first, second = kernels.on(), kernels.on()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert state(model) != before
    second.__exit__(None, None, None)
    assert state(model) == before


def test_wherever_an_interruption_strikes_the_next_render_begins_with_a_plain_model_and_ends_with_one() -> None:
    model = network()
    before = state(model)
    Kernels(model).put_on()
    wanted = [kind for kind, _ in state(model)]
    model = network()
    before = state(model)
    for at in range(MOST):
        kernels = Kernels(model)

        def use(kernels: Kernels = kernels) -> None:
            with kernels.on():
                pass

        struck = interrupted(use, at, FILES)
        kernels.rest()
        assert state(model) == before, at
        with kernels.on():
            assert [kind for kind, _ in state(model)] == wanted, at
        assert state(model) == before, at
        if not struck:
            return
    pytest.fail("the run has more instructions than were tried")


def test_packs_are_made_once_and_found_again_at_the_next_render(mixer: Mixer) -> None:
    convolutions = [m for m in mixer.model.denoiser.network.modules() if isinstance(m, nn.Conv2d)]
    kept: list[list[object]] = []

    def look(_progress: Progress) -> None:
        kept.append([m.packs.pristine_pack for m in convolutions if isinstance(m, Packed)])

    mixer.render(SMALL, on_progress=look)
    mixer.render(SMALL, on_progress=look)
    if not by_onednn(torch.empty(0)):
        pytest.skip("oneDNN does not compute float32 on this processor")
    assert all(pack is not None for pack in kept[1])
    assert all(first is second for first, second in zip(kept[1], kept[-1], strict=True))


def test_a_weight_that_was_trained_between_two_renders_is_packed_anew() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(16, 16, 3).requires_grad_(requires_grad=False)
    x, kernels = torch.randn(1, 16, 8, 8), Kernels(layer)
    for _ in range(2):
        with kernels.on():
            fast = layer(x)
        torch.testing.assert_close(fast, layer(x), rtol=1e-5, atol=1e-5)
        layer.weight.add_(1.0)  # in place, as an optimizer writes


class Stop(Exception):
    """What a listener raises."""


@pytest.mark.parametrize("error", [None, Stop, KeyboardInterrupt, "cancel"])
def test_a_mixers_model_is_plain_after_every_way_out_of_a_render(mixer: Mixer, error: Any) -> None:
    before = [type(m) for m in mixer.model.denoiser.network.modules()]
    assert not any(issubclass(kind, Packed) for kind in before)
    processors = [m.processor for m in mixer.model.denoiser.network.modules() if isinstance(m, Attention)]
    fast: list[bool] = []
    cancel = Cancel()

    def hear(_progress: Progress) -> None:
        fast.append(any(isinstance(m.processor, ChunkedAttention) for m in attentions))
        if error == "cancel":
            cancel.press()
        elif error is not None:
            raise error

    attentions = [m for m in mixer.model.denoiser.network.modules() if isinstance(m, Attention)]
    raised: BaseException | None = None
    try:
        mixer.render(SMALL, on_progress=hear, cancel=cancel)
    except (Stop, KeyboardInterrupt, CancelledError) as caught:
        raised = caught  # its traceback lives on, and what it holds with it
    assert (raised is None) == (error is None)
    assert all(fast)
    assert [type(m) for m in mixer.model.denoiser.network.modules()] == before
    assert [m.processor for m in attentions] == processors


def test_a_render_that_nobody_listens_to_any_more_leaves_a_plain_model(mixer: Mixer) -> None:
    before = [type(m) for m in (*mixer.model.denoiser.network.modules(), *mixer.model.vae.modules())]
    events = render(mixer.loaded, [mixer.resolve(SMALL)])
    next(events)
    events.close()
    assert [type(m) for m in (*mixer.model.denoiser.network.modules(), *mixer.model.vae.modules())] == before


def test_a_model_without_kernels_is_trained_by_its_lora_alone(mixer: Mixer) -> None:
    """One step of SGD on the factors of a LoRA (arXiv:2106.09685, eq. 3) beside every attention projection."""
    mixer.render(SMALL)
    model, before = mixer.model, mixer.model.checksum()
    torch.manual_seed(0)
    factors: list[nn.Parameter] = []
    handles = []
    for name, module in model.denoiser.network.named_modules():
        if isinstance(module, nn.Linear) and name.endswith(("to_q", "to_k", "to_v", "to_out.0")):
            down = nn.Parameter(torch.randn(2, module.in_features) * 0.1)
            up = nn.Parameter(torch.randn(module.out_features, 2) * 0.1)
            factors += [down, up]
            handles.append(module.register_forward_hook(lambda _m, inputs, y, a=down, b=up: y + inputs[0] @ a.T @ b.T))
    latents, noise = torch.randn(2, 1, model.latent_channels, 8, 8).unbind()
    text = torch.randn(1, 77, model.denoiser.network.config["cross_attention_dim"])

    def loss() -> Tensor:
        predicted = model.denoiser.network(latents, torch.tensor(500), encoder_hidden_states=text, return_dict=False)[0]
        return (predicted - noise).square().mean()

    try:
        first = loss()
        first.backward()
        assert all(factor.grad is not None and bool(factor.grad.abs().sum() > 0) for factor in factors)
        with torch.no_grad():
            for factor in factors:
                factor -= 0.01 * factor.grad
        assert bool(loss().detach() < first.detach())
    finally:
        for handle in handles:
            handle.remove()
    assert all(parameter.grad is None for part in model.parts.values() for parameter in part.parameters())
    assert model.checksum() == before
