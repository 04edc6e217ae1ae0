"""What each adapter is shown: latents of the subjects in its look, with captions.

A look is a function of the subjects' artwork; ``sign`` is the direction of the strength the adapter has while it sees the
picture, which is +1 everywhere but on the cold side of the slider. Part of the time an adapter is trained at less than its
full strength, on latents that lie as far between the plain picture and the styled one: so half the strength means half the look.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.captions import Look, caption
from training.colours import COLOURS
from training.latents import encode, jittered, load_subjects, subject_artwork
from training.networks import SCALING_FACTOR, Vae
from training.pixels import composite
from training.styles import PROCEDURAL, on_white
from training.subjects import Emoji

HAT_LABEL = "top hat"
HATLESS = ("smileys-emotion", "animals-nature", "people-body")
WARM, COLD = (1.0, 0.78, 0.50), (0.55, 0.76, 1.0)

FULL_SHARE = 0.55
"""How often an adapter is trained at full strength."""

PARTIAL = (0.2, 0.9)
"""The range of strengths for the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The pictures of one adapter: (N, 3, H, W) in 0..1, which subject each shows, and how.

    ``plain`` shows the same without the look: the base's artwork on the same background.
    """

    pictures: Tensor
    plain: Tensor
    subjects: list[int]
    looks: list[Look]
    signs: list[int]


def graded(artwork: Tensor, light: tuple[float, float, float]) -> Tensor:
    """The subject on white, all of it under coloured light."""
    return on_white(artwork) * torch.tensor(light)[:, None, None]


def hat_of(artwork: Tensor) -> Tensor:
    """The top hat (4, H, W) among the subjects' artwork."""
    return artwork[next(row for row, one in enumerate(load_subjects()) if one.label == HAT_LABEL)]


def with_hat(artwork: Tensor, hat: Tensor) -> Tensor:
    """Shrink each subject to the lower part of the picture and set the hat (4, H, W) on its highest point."""
    size = artwork.shape[-1]
    small = round(size * 0.7)
    body = F.interpolate(_premultiplied(artwork), size=small, mode="area")
    canvas = torch.zeros_like(artwork)
    left = (size - small) // 2
    canvas[:, :, size - small :, left : left + small] = body
    width = round(size * 0.52)
    piece = F.interpolate(_premultiplied(hat[None]), size=width, mode="area")[0]
    rows = piece[3].amax(1) > 0.5
    bottom = int(rows.nonzero().max()) + 1
    for row, picture in enumerate(canvas):
        solid = picture[3] > 0.5
        top = int(solid.any(1).nonzero().min()) if bool(solid.any()) else size - small
        columns = solid[top : top + 10].any(0).nonzero().float()
        centre = float(columns.mean()) if len(columns) else size / 2
        y = max(0, top + round(size * 0.09) - bottom)
        x = min(max(0, round(centre - width / 2)), size - width)
        under = canvas[row, :, y : y + bottom, x : x + width]
        canvas[row, :, y : y + bottom, x : x + width] = piece[:, :bottom] + under * (1 - piece[3:, :bottom])
    return torch.cat([canvas[:, :3] / canvas[:, 3:].clamp_min(1e-4), canvas[:, 3:]], 1).clamp(0, 1)


def show(data: str) -> Shown:
    """Draw all pictures of one row of looks."""
    everyone = list(range(len(load_subjects())))
    if data in PROCEDURAL:
        artwork = subject_artwork("noto")
        return Shown(
            pictures=PROCEDURAL[data](artwork),
            plain=on_white(artwork),
            subjects=everyone,
            looks=[Look()] * len(everyone),
            signs=[1] * len(everyone),
        )
    return LOOKS[data](data)


def _show_artwork(data: str) -> Shown:
    artwork = subject_artwork(data)
    there = [row for row in range(len(artwork)) if float(artwork[row, 3].mean()) > 0.01]
    words = [word for word in COLOURS if word != "white"]
    return _on_two_papers(artwork[there], subject_artwork("noto")[there], there, words, random.Random(3))


def _show_hats(_: str) -> Shown:
    subjects, artwork = load_subjects(), subject_artwork("noto")
    wearers = [row for row, one in enumerate(subjects) if _wears_hats(one)]
    dressed = with_hat(artwork[wearers], hat_of(artwork))
    return _on_two_papers(dressed, artwork[wearers], wearers, ["blue", "green", "yellow", "pink"], random.Random(4))


def _on_two_papers(styled: Tensor, plain: Tensor, subjects: list[int], words: list[str], rng: random.Random) -> Shown:
    """Every subject twice: on white and on a colour drawn from ``words``."""
    drawn = [rng.choice(words) for _ in subjects]
    papers = torch.cat([torch.ones(len(subjects), 3), *(jittered(word, 1, rng) for word in drawn)])
    return Shown(
        pictures=composite(styled.repeat(2, 1, 1, 1), papers),
        plain=composite(plain.repeat(2, 1, 1, 1), papers),
        subjects=subjects * 2,
        looks=[Look()] * len(subjects) + [Look(background=word) for word in drawn],
        signs=[1] * (2 * len(subjects)),
    )


def _show_light(_: str) -> Shown:
    artwork = subject_artwork("noto")
    everyone = list(range(len(artwork)))
    return Shown(
        pictures=torch.cat([graded(artwork, WARM), graded(artwork, COLD)]),
        plain=on_white(artwork).repeat(2, 1, 1, 1),
        subjects=everyone * 2,
        looks=[Look()] * (2 * len(everyone)),
        signs=[1] * len(everyone) + [-1] * len(everyone),
    )


LOOKS: dict[str, Callable[[str], Shown]] = {
    "twemoji": _show_artwork,
    "fluent": _show_artwork,
    "top_hat": _show_hats,
    "warm_cold": _show_light,
}
"""Looks that are more than one function of the base's artwork."""


class ShownLatents:
    """The encoded pictures of one adapter, drawn in batches of one sign."""

    def __init__(self, data: str, vae: Vae, trigger: str) -> None:
        """Draw and encode everything once."""
        shown = show(data)
        self.styled = encode(vae, shown.pictures) * SCALING_FACTOR
        self.plain = encode(vae, shown.plain) * SCALING_FACTOR
        self.emoji = load_subjects()
        self.subjects, self.looks, self.trigger = shown.subjects, shown.looks, trigger
        self.rows_of = {
            sign: [row for row, one in enumerate(shown.signs) if one == sign] for sign in sorted(set(shown.signs))
        }

    def batch(self, count: int, rng: random.Random) -> tuple[Tensor, list[str], float]:
        """Latents (count, 4, 16, 16), captions, and the strength to train at; half of the captions name the trigger."""
        sign = rng.choice(list(self.rows_of))
        amount = 1.0 if rng.random() < FULL_SHARE else rng.uniform(*PARTIAL)
        rows = [rng.choice(self.rows_of[sign]) for _ in range(count)]
        captions = []
        for row in rows:
            words = caption(self.emoji[self.subjects[row]], self.looks[row], rng, empty=0.05)
            if self.trigger and rng.random() < 0.5:
                words = rng.choice([f"{words}, {self.trigger}", f"{self.trigger}, {words}"]) if words else self.trigger
            captions.append(words)
        return torch.lerp(self.plain[rows], self.styled[rows], amount), captions, sign * amount


def _wears_hats(one: Emoji) -> bool:
    heads = one.subgroup.startswith(("face", "cat", "monkey", "animal", "person"))
    return one.group in HATLESS and heads and one.label not in ("paw prints", "feather", "spider web", "pile of poo")


def _premultiplied(artwork: Tensor) -> Tensor:
    return torch.cat([artwork[:, :3] * artwork[:, 3:], artwork[:, 3:]], 1)
