from __future__ import annotations

import pytest

from lora_mixer.adapters import KINDS, detect
from lora_mixer.errors import BrokenAdapterError


def shapes(*names: str, **given: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    return dict.fromkeys(names, (1, 1)) | given


@pytest.mark.parametrize(
    ("slots", "sentence"),
    [
        (
            shapes("up", "alpha"),
            "`alpha`, `up` make no known kind of adapter; the nearest is LoRA or LoCon, but it lacks `down`",
        ),
        (shapes("w1_a", "w1_b", "w2_a"), "the nearest is LoHa, but it lacks `w2_b`"),
        (shapes("k1", "k2_a", "kt2", "alpha"), "the nearest is LoKr, but it lacks `k2_b`"),
        (shapes("up", "down", "ia3"), "the nearest is LoRA or LoCon, but `ia3` has no place in it"),
        (shapes("up", "down", "k1", "k2"), "has no place in it"),
        (shapes(oft_blocks=(2, 2)), "the nearest is OFT, but a tensor has another number of axes than it needs"),
        (shapes("alpha"), "`alpha` make no known kind"),
        ({}, "no tensors make no known kind"),
    ],
)
def test_an_unknown_group_is_told_what_comes_nearest_and_what_keeps_it_from_being_that(
    slots: dict[str, tuple[int, ...]], sentence: str
) -> None:
    with pytest.raises(BrokenAdapterError) as caught:
        detect(slots)
    assert sentence in str(caught.value)
    assert caught.value.remedy


def test_the_number_of_axes_tells_oft_from_boft() -> None:
    assert detect(shapes("alpha", oft_blocks=(4, 6, 6))).name == "oft"
    assert detect(shapes("alpha", oft_blocks=(2, 4, 6, 6))).name == "boft"


def test_names_in_the_table_are_unique() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS)
