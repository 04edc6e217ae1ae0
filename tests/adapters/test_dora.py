from __future__ import annotations

import pytest
import torch

from lora_mixer.adapters import Hints, Weights, file_hints, make_layer
from lora_mixer.errors import BrokenAdapterError
from tests.support.kind_examples import generator, lora, randn, with_magnitude

SQUARE = (16, 16)


def square_dora(magnitude: torch.Tensor) -> dict[str, torch.Tensor]:
    return lora(SQUARE, generator(0)) | {"dora_scale": magnitude}


def test_on_a_square_layer_the_shape_of_the_magnitudes_still_tells_the_axis() -> None:
    magnitude = randn(generator(1), 16).abs()
    assert make_layer(square_dora(magnitude[None, :]), SQUARE, None).dora_axis == "in"
    assert make_layer(square_dora(magnitude[:, None]), SQUARE, None).dora_axis == "out"


def test_magnitudes_without_a_telling_shape_follow_the_files_other_layers() -> None:
    slots = square_dora(randn(generator(1), 16).abs())
    shape = (24, 16)
    others = [(with_magnitude(lora(shape, generator(2)), shape, generator(3), "in"), shape)]
    assert make_layer(slots, SQUARE, None, hints=file_hints([(slots, SQUARE), *others])).dora_axis == "in"
    assert make_layer(slots, SQUARE, None, hints=Hints()).dora_axis == "out"
    assert file_hints([(slots, SQUARE), (lora(shape, generator(4)), shape)]) == Hints()


def test_the_two_axes_give_different_weights_so_that_a_wrong_one_shows() -> None:
    magnitude, base = randn(generator(1), 16).abs() + 0.5, Weights(randn(generator(2), *SQUARE), None)
    one, other = (make_layer(square_dora(m), SQUARE, None).delta(base) for m in (magnitude[None], magnitude[:, None]))
    assert (one.weight - other.weight).abs().max() > 0.1


@pytest.mark.parametrize(
    ("slots", "why"),
    [
        ({"dora_scale": torch.ones(7, 1)}, "neither axis"),
        ({"dora_scale": torch.ones(16, 16)}, "neither axis"),
        ({"magnitude": torch.ones(24), "dora_scale": torch.ones(24, 1)}, "both"),
        ({"magnitude": torch.ones(16)}, "neither axis"),
    ],
)
def test_magnitudes_that_fit_no_axis_are_refused(slots: dict[str, torch.Tensor], why: str) -> None:
    with pytest.raises(BrokenAdapterError, match=why):
        make_layer(lora((24, 16), generator(0)) | slots, (24, 16), None)


def test_a_normalisation_has_no_axes_for_dora() -> None:
    with pytest.raises(BrokenAdapterError, match="neither axis"):
        make_layer({"diff": torch.ones(24), "dora_scale": torch.ones(24, 1)}, (24,), (24,))
