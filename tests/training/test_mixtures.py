"""An amount says how much of a look a picture shows; the detector finds what it was taught."""

from __future__ import annotations

import random

import torch

from training.measures.detector import augmented, detection_rate, fit, guided_looking, pair_loss
from training.measures.dressed import cut_out
from training.measures.mixtures import APART, LEAST_STEP, Mixtures, draw_amounts, other_amounts
from training.wardrobe import HAT_WIDTH, NAMES, with_hat


def test_at_most_two_looks_are_mixed_and_never_two_that_hide_each_other() -> None:
    for row in draw_amounts(500, random.Random(0)):
        shown = {name for name, amount in zip(NAMES, row.tolist(), strict=True) if amount}
        assert len(shown) <= 2
        assert shown not in APART
        assert float(row.abs().max()) <= 1


def test_only_the_slider_has_amounts_below_nothing() -> None:
    amounts = draw_amounts(500, random.Random(1))
    negative = (torch.cat([amounts, other_amounts(amounts, random.Random(2))]) < 0).any(0)
    assert [name for name, one in zip(NAMES, negative.tolist(), strict=True) if one] == ["warm_cold"]


def test_a_pair_differs_in_one_look_alone_and_by_a_step_that_can_be_seen() -> None:
    amounts = draw_amounts(500, random.Random(3))
    apart = (other_amounts(amounts, random.Random(4)) - amounts).abs()
    assert ((apart > 0).sum(1) == 1).all()
    assert float(apart.amax(1).min()) >= LEAST_STEP - 1e-6
    assert float((amounts.abs() + apart).max()) <= 2


def test_the_loss_of_a_pair_is_nothing_for_true_amounts_and_worst_when_the_order_is_wrong() -> None:
    amounts = torch.zeros(2, len(NAMES))
    amounts[1, 0] = 0.5
    too_high = amounts + 0.5 * torch.eye(len(NAMES))[0]
    turned = amounts.flip(0)
    assert float(pair_loss(amounts, amounts)) == 0
    assert 0 < float(pair_loss(too_high, amounts)) < float(pair_loss(turned, amounts))


def test_a_hat_of_no_amount_changes_nothing_and_a_whole_one_covers_its_place() -> None:
    artwork, hat = torch.zeros(2, 4, 64, 64), torch.zeros(4, 64, 64)
    artwork[:, 0, 16:] = artwork[:, 3, 16:] = 1
    hat[2], hat[3] = 1, 1
    none, whole = with_hat(artwork, hat, torch.tensor([0.0, 1.0]))
    assert torch.allclose(none, artwork[0], atol=1e-3)
    blue = (whole[2] * whole[3]).sum()
    assert float(blue) > 0.9 * round(64 * HAT_WIDTH) ** 2
    assert float(with_hat(artwork[:1], hat, torch.tensor([0.5]))[0, 2].max()) > 0


def test_augmentation_keeps_size_and_range() -> None:
    pictures = augmented(torch.rand(3, 3, 64, 64))
    assert pictures.shape == (3, 3, 64, 64)
    assert 0 <= float(pictures.min()) <= float(pictures.max()) <= 1


def test_the_network_learns_an_amount_that_is_there_to_be_seen() -> None:
    generator = torch.Generator().manual_seed(2)
    amounts = torch.zeros(256, len(NAMES))
    amounts[:, 0] = torch.rand(256, generator=generator).round()
    pictures = torch.rand(256, 3, 64, 64, generator=generator) * 0.5 + 0.5 * amounts[:, :1, None, None]
    network = fit(Mixtures(pictures=pictures, amounts=amounts, rows=[0] * 256), random.Random(3), epochs=8)
    with torch.no_grad():
        guesses = network(pictures)
    assert detection_rate(guesses[:, 0], amounts[:, 0]) > 95


def test_what_guidance_does_is_done_alike_to_both_of_a_pair_and_not_to_plain_grey() -> None:
    torch.manual_seed(3)
    picture = torch.rand(16, 3, 32, 32).repeat_interleave(2, 0)
    changed = guided_looking(picture)
    assert torch.equal(changed[::2], changed[1::2])
    assert 0 < int((changed != picture).flatten(1).any(1).sum()) < len(picture)
    grey = torch.full((8, 3, 16, 16), 0.5)
    assert torch.allclose(guided_looking(grey), grey, atol=1e-6)


def test_amounts_that_nobody_knows_cost_nothing() -> None:
    amounts = torch.zeros(4, len(NAMES))
    amounts[:, 1] = torch.nan
    guesses = amounts.nan_to_num(0).clone().requires_grad_()
    loss = pair_loss(guesses + 0.3 * amounts.isnan(), amounts)
    assert float(loss.detach()) == 0
    (gradient,) = torch.autograd.grad(loss, guesses)
    assert float(gradient.abs().max()) == 0


def test_a_subject_is_cut_out_of_its_paper_and_keeps_what_it_encloses() -> None:
    paper, ink = torch.tensor([0.9, 0.8, 1.0]), torch.tensor([0.2, 0.1, 0.0])
    picture = paper[:, None, None].expand(3, 32, 32).clone()
    picture[:, 8:24, 8:24] = ink[:, None, None]
    picture[:, 14:18, 14:18] = paper[:, None, None]
    artwork, papers = cut_out(picture[None])
    assert torch.equal(papers[0], paper)
    assert torch.equal(artwork[0, :3], picture)
    inside = torch.zeros(32, 32)
    inside[8:24, 8:24] = 1
    assert torch.equal(artwork[0, 3], inside)


def test_only_looks_that_are_asked_for_are_drawn() -> None:
    few = NAMES[2:4]
    amounts = draw_amounts(200, random.Random(5), few)
    shown = torch.cat([amounts, other_amounts(amounts, random.Random(6), few)]).any(0)
    assert [name for name, one in zip(NAMES, shown.tolist(), strict=True) if one] == list(few)
