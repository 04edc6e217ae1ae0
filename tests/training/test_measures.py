"""What the evaluation counts as a hit."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from training.measures import adapters, base
from training.measures.autoencoder import compare
from training.subjects import Emoji

NAMES = ("cat", "rocket", "fox", "house", *(f"thing {k}" for k in range(20)))
EMOJI = [Emoji(hexcode=str(k), label=name, tags=(), group="objects", subgroup="tool") for k, name in enumerate(NAMES)]


def artwork() -> Tensor:
    drawn = F.interpolate(torch.rand(len(NAMES), 3, 4, 4, generator=torch.Generator().manual_seed(0)), size=128)
    return torch.cat([drawn, torch.ones(len(NAMES), 1, 128, 128)], 1)


class Paints:
    """Paints the artwork of the subjects that a prompt names, left and right or the wrong way round."""

    def __init__(self, *, wrong: bool = False) -> None:
        self.wrong = wrong

    def paint(self, prompts: list[str], *, steps: int, size: tuple[int, int]) -> Tensor:
        assert size == (16, 32)
        pictures = []
        for prompt in prompts:
            places = {prompt.find(name): k for k, name in reversed(list(enumerate(NAMES))) if name in prompt}
            rows = [places[place] for place in sorted(places)]
            pictures.append(torch.cat([artwork()[row, :3] for row in (rows[::-1] if self.wrong else rows)], -1))
        return torch.stack(pictures)


@pytest.mark.parametrize(("wrong", "share"), [(False, 100.0), (True, 0.0)])
def test_pairs_count_where_each_stands_on_its_side(
    monkeypatch: pytest.MonkeyPatch, *, wrong: bool, share: float
) -> None:
    monkeypatch.setattr(base, "load_subjects", lambda: EMOJI[:4])
    monkeypatch.setattr(base, "subject_artwork", lambda _: artwork()[:4])
    (found,) = base.pairs(Paints(wrong=wrong), 12)  # type: ignore[arg-type]
    assert found.value == share


def test_pairs_are_asked_for_by_their_sides() -> None:
    assert base.pair_phrases()
    for phrase in base.pair_phrases():
        said = phrase.format("AAA", "BBB")
        assert said.index("AAA") < said.index("BBB")
        assert "left" in said


def test_half_a_strength_is_a_share_of_the_whole() -> None:
    table = torch.tensor([[0.1, 0.2], [0.2, 0.2], [0.4, 0.4], [0.6, 0.7], [0.8, 0.7]])
    assert adapters.half_of_full(table) == pytest.approx((0.4 - 0.15) / (0.75 - 0.15))


def test_blotches_and_soft_edges_are_told_apart() -> None:
    truth = torch.ones(1, 3, 32, 32)
    truth[..., 16:] = -1
    blotchy, soft = truth.clone(), truth.clone()
    blotchy[..., 4:8, 4:8] -= 0.2
    soft[..., 16] = 0
    (_, edges_blotchy, flat_blotchy), (_, edges_soft, _) = (compare(truth, one) for one in (blotchy, soft))
    assert flat_blotchy > 0
    assert edges_blotchy == 0
    assert edges_soft > 0
