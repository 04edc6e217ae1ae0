"""Factors in a model's dtype: computed in float32, rounded once, whatever lies in the place where that is done."""

from __future__ import annotations

import threading

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.adapters import Layer, make_layer
from lora_mixer.adapters import layer as layers
from lora_mixer.adapters.layer import PIECE

CPU = torch.device("cpu")
FORMATS = (torch.float16, torch.bfloat16, torch.float32)


def _layer(ranks: int, width: int, alpha: float, dtype: torch.dtype, seed: int) -> Layer:
    rng = torch.Generator().manual_seed(seed)
    slots = {
        "up": torch.randn(width, ranks, generator=rng).to(dtype),
        "down": torch.randn(ranks, width, generator=rng).to(dtype),
        "alpha": torch.tensor(alpha),
    }
    return make_layer(slots, (width, width), None)


def _assert_rounded_once(layer: Layer, dtype: torch.dtype) -> None:
    pair = layer.rounded_factors(dtype, CPU)
    assert pair is not None
    assert torch.equal(pair.down, layer.slots["down"].float().to(dtype))
    assert torch.equal(pair.up, (layer.slots["up"].float() * layer.scale).to(dtype))


@given(
    ranks=st.integers(1, 9),
    width=st.integers(1, 40),
    alpha=st.floats(0.1, 64),
    file=st.sampled_from(FORMATS),
    model=st.sampled_from(FORMATS),
    seed=st.integers(0, 99),
)
def test_factors_are_rounded_once(
    ranks: int, width: int, alpha: float, file: torch.dtype, model: torch.dtype, seed: int
) -> None:
    _assert_rounded_once(_layer(ranks, width, alpha, file, seed), model)


@pytest.mark.parametrize("numbers", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 5])
def test_factors_of_several_pieces_are_too(numbers: int) -> None:
    _assert_rounded_once(_layer(1, numbers, 3.0, torch.float16, 0), torch.bfloat16)


def test_the_place_that_inference_mode_made_serves_outside_of_it() -> None:
    layer, failures = _layer(2, 8, 3.0, torch.float16, 0), []

    def first_in_inference_mode() -> None:  # a thread of its own has a place of its own
        try:
            with torch.inference_mode():
                _assert_rounded_once(layer, torch.bfloat16)
            _assert_rounded_once(layer, torch.bfloat16)
        except Exception as error:  # noqa: BLE001 a thread's errors reach nobody
            failures.append(error)

    thread = threading.Thread(target=first_in_inference_mode)
    thread.start()
    thread.join()
    assert failures == []


def test_threads_do_not_write_into_each_others_place() -> None:
    here, there = layers.place_for(4), []
    thread = threading.Thread(target=lambda: there.append(layers.place_for(4)))
    thread.start()
    thread.join()
    assert there[0].data_ptr() != here.data_ptr()
