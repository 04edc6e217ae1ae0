"""The style detector: one small network that says how much of each look a picture shows.

It learns from real artwork (`training.measures.mixtures`) and from what the base made of it or painted itself
(`training.measures.dressed`), never from a picture that an adapter had a part in: from all emoji, of which the model's
subjects are a sixth, so that it learns looks and not drawings. So that it holds on generated pictures, most examples of
artwork go through the model without adapters first: through the VAE, or noised a little and denoised again by the base. Only a little: from the middle of the schedule on, the base redraws every look as its own, and the label would
name what is no longer there. Emoji are split: accuracy is told on subjects of which it saw neither drawing nor namesake.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.artwork import load_emoji
from training.captions import names_of, plain
from training.diffusion import alphas_cumprod, decode, noised
from training.latents import encode
from training.loop import cosine
from training.measures.dressed import draw_dressed
from training.measures.mixtures import Mixtures, draw
from training.networks import SCALING_FACTOR
from training.painter import Painter
from training.paths import DATA, WORK
from training.pixels import in_batches, shrink_to
from training.precision import autocast
from training.progress import report
from training.styles import luminance
from training.subjects import is_subject, subject_ids
from training.wardrobe import NAMES, Wardrobe

FOLDER = WORK / "detector"
EXAMPLES = 9000
PAINTED_SHARE = 0.27
"""Pairs that the base painted, as a share of those of artwork."""

EPOCHS = 14
BATCH = 64
RATE = 2e-3
SIZE = 128
"""Edge of the pictures the network sees."""

HELD = 5
"""Every fifth subject is held out."""

FEWEST_HELD = 12
"""Pairs of held-out subjects at least, however small a run is: with fewer, no picture may be without a look."""

SUBJECT_SHARE = 0.5
"""Examples of the model's own subjects; the rest shows any other emoji."""

RAW_SHARE, VAE_SHARE = 0.1, 0.55
"""Examples as they are, and through the VAE only; the rest is denoised by the base."""

TIMES = (40, 200)
"""The range of timesteps examples are noised to."""

DENOISING_STEPS = 2
GUIDANCE = 3.0
PRESENT_WEIGHT = 4.0
"""How much more an amount that is there counts in the loss: most amounts of most pictures are nothing."""

STEP_WEIGHT = 2.0
"""How much the difference of the amounts of a pair counts beside the amounts themselves."""

GAINS = (0.4, 0.7, 1.5)
"""What guidance adds at most to contrast, to colour, and to edges."""

THERE, ABSENT = 0.6, 0.0
"""Amounts that count as showing a look and as not showing it, where accuracy is told."""


class StyleNetwork(nn.Module):
    """Strided convolutions, then what is there on average and at most: pictures (N, 3, 128, 128) to (N, 8)."""

    def __init__(self) -> None:
        """Make the layers."""
        super().__init__()
        widths = (3, 24, 48, 96, 160)
        layers: list[nn.Module] = []
        for inside, outside in itertools.pairwise(widths):
            layers += [nn.Conv2d(inside, outside, 3, stride=2, padding=1), nn.BatchNorm2d(outside), nn.ReLU()]
        last = widths[-1]
        self.features = nn.Sequential(*layers, nn.Conv2d(last, last, 3, padding=1), nn.BatchNorm2d(last), nn.ReLU())
        self.amounts = nn.Sequential(nn.Dropout(0.2), nn.Linear(2 * last, 96), nn.ReLU(), nn.Linear(96, len(NAMES)))

    def forward(self, pictures: Tensor) -> Tensor:
        """Amounts (N, 8) of pictures (N, 3, 128, 128) in 0..1."""
        maps = self.features(pictures * 2 - 1)
        amounts: Tensor = self.amounts(torch.cat([maps.mean((2, 3)), maps.amax((2, 3))], 1))
        return amounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How well the detector does on pictures of subjects it never saw."""

    accuracy: dict[str, float]
    """Percent by look: pictures with it scoring over the threshold that 5 % of pictures without it pass."""
    error: float
    """Mean absolute error of the amounts."""
    held: int
    """Pictures that this was told on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detector:
    """The trained network, and how far it can be trusted on artwork and on pictures of the base."""

    network: StyleNetwork
    artwork: Trust
    painted: Trust

    @torch.no_grad()
    def score(self, pictures: Tensor, name: str) -> Tensor:
        """How much of the look each picture (N, 3, 128, 128) shows, (N,): the mean over the picture and its mirror."""
        return self.amounts(pictures)[:, NAMES.index(name)]

    @torch.no_grad()
    def amounts(self, pictures: Tensor) -> Tensor:
        """Amounts (N, 8) of pictures (N, 3, 128, 128) in 0..1."""
        rows = [
            (self.network(shrink_to(part, SIZE)) + self.network(shrink_to(part.flip(-1), SIZE))) / 2
            for part in in_batches(pictures, BATCH)
        ]
        return torch.cat(rows)


def make_detector(painter: Painter, examples: int = EXAMPLES, folder: Path = FOLDER) -> Detector:
    """Train the detector for the shipped model, or open the one that was trained for the very same weights."""
    setting = digest_of_setting(examples, DATA / "model")
    path = folder / f"{setting}.pt"
    if path.exists():
        saved = torch.load(path, weights_only=True)
        network = StyleNetwork()
        network.load_state_dict(saved["network"])
        told = {name: Trust(**saved[name]) for name in ("artwork", "painted")}
        return Detector(network=network.train(mode=False), **told)
    detector = train_detector(painter, examples, folder / setting)
    folder.mkdir(parents=True, exist_ok=True)
    told = {"artwork": asdict(detector.artwork), "painted": asdict(detector.painted)}
    torch.save({"network": detector.network.state_dict(), **told}, path)
    return detector


def digest_of_setting(examples: int, folder: Path) -> str:
    """What a detector is kept by, as the first digits of a sha256: all numbers it hangs on, its looks, and the model's weights."""
    shares = (SUBJECT_SHARE, RAW_SHARE, VAE_SHARE, PAINTED_SHARE)
    numbers = (examples, EPOCHS, SIZE, shares, TIMES, GAINS, PRESENT_WEIGHT, STEP_WEIGHT)
    digest = hashlib.sha256(repr((numbers, NAMES)).encode())
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def train_detector(painter: Painter, examples: int, folder: Path) -> Detector:
    """Draw examples into files, train the network, and tell how well it does on held-out subjects."""
    rng, pairs = random.Random(21), max(2, round(examples / 2))
    seen, held = kept(folder / "artwork.pt", lambda: draw_artwork(painter, pairs, rng))
    painted = max(2, round(pairs * PAINTED_SHARE))
    more, held_more = kept(folder / "painted.pt", lambda: draw_painted(painter, painted, random.Random(23)))
    both = Mixtures(
        pictures=torch.cat([seen.pictures, more.pictures]),
        amounts=torch.cat([seen.amounts, more.amounts]),
        rows=seen.rows + more.rows,
    )
    network = fit(both, random.Random(22))
    return Detector(network=network, artwork=trust(network, held), painted=trust(network, held_more))


@torch.no_grad()
def trust(network: StyleNetwork, held: Mixtures) -> Trust:
    """How well the network tells the amounts that are known."""
    guesses = torch.cat([network(part.float()) for part in in_batches(held.pictures, BATCH)])
    told = {k: name for k, name in enumerate(NAMES) if not held.amounts[:, k].isnan().any()}
    return Trust(
        accuracy={name: detection_rate(guesses[:, k], held.amounts[:, k]) for k, name in told.items()},
        error=float((guesses - held.amounts).abs().nanmean()),
        held=len(held.pictures),
    )


def kept(path: Path, draw_both: Callable[[], tuple[Mixtures, Mixtures]]) -> tuple[Mixtures, Mixtures]:
    """Examples to learn from and held-out ones: drawn once and kept, so that a killed run need not draw them again."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        torch.save([asdict(one) for one in draw_both()], unfinished)
        unfinished.replace(path)
    seen, unseen = (Mixtures(**one) for one in torch.load(path, weights_only=True))
    return seen, unseen


def draw_artwork(painter: Painter, pairs: int, rng: random.Random) -> tuple[Mixtures, Mixtures]:
    """Artwork of known emoji, subjects and others, and of held-out subjects."""
    wardrobe = Wardrobe()
    known, others, held = split()
    own = round(pairs * SUBJECT_SHARE)
    rows = rng.choices(known, k=own) + rng.choices(others, k=pairs - own)
    rng.shuffle(rows)
    seen = draw_examples(painter, wardrobe, rows, rng)
    return seen, draw_examples(painter, wardrobe, rng.choices(held, k=max(FEWEST_HELD, pairs // 6)), rng)


def draw_painted(painter: Painter, pairs: int, rng: random.Random) -> tuple[Mixtures, Mixtures]:
    """Pictures of the base of known subjects, and of held-out ones, dressed."""
    known, _, held = split()
    seen = draw_dressed(painter, rng.choices(known, k=pairs), rng)
    return seen, draw_dressed(painter, rng.choices(held, k=max(FEWEST_HELD, pairs // 6)), rng)


def split() -> tuple[list[int], list[int], list[int]]:
    """Rows of all emoji: subjects that are learned from, other emoji that are, and subjects that are held out.

    An emoji that shares a word of its name with a held-out subject is in none of the lists.
    """
    emoji = load_emoji()
    subjects = subject_ids(emoji)
    held = subjects[::HELD]
    hidden = {word for row in held for word in _words(emoji[row].label)}
    others = [row for row, one in enumerate(emoji) if not is_subject(one) and not hidden & _words(one.label)]
    known = [row for k, row in enumerate(subjects) if k % HELD]
    return known, others, held


def _words(label: str) -> set[str]:
    return set(plain(label).split()) - {"face", "with", "of", "and", "the", "in", "on", "button", "sign"}


def detection_rate(guesses: Tensor, amounts: Tensor) -> float:
    """Percent of pictures with a look that score over all but 5 % of those without it."""
    floor = guesses[amounts == ABSENT].quantile(0.95)
    return 100 * float((guesses[amounts >= THERE] > floor).float().mean())


def draw_examples(painter: Painter, wardrobe: Wardrobe, rows: list[int], rng: random.Random) -> Mixtures:
    """A pair of each of the given emoji in the size the network sees, in half precision, most of them through the model."""
    parts, amounts, shown = [], [], []
    for start in range(0, len(rows), BATCH // 2):
        mixed = draw(wardrobe, rows[start : start + BATCH // 2], rng)
        parts.append(shrink_to(through_model(painter, mixed, rng), SIZE).half())
        amounts.append(mixed.amounts)
        shown += mixed.rows
        if start // (BATCH // 2) % 10 == 0:
            report("detector", f"{len(shown)} of {2 * len(rows)} examples drawn")
    return Mixtures(pictures=torch.cat(parts), amounts=torch.cat(amounts), rows=shown)


def through_model(painter: Painter, mixed: Mixtures, rng: random.Random) -> Tensor:
    """A share of the pairs as they are, a share through the VAE, the rest noised and denoised by the base."""
    pairs = len(mixed.pictures) // 2
    raw, coded = 2 * round(pairs * RAW_SHARE), 2 * round(pairs * (RAW_SHARE + VAE_SHARE))
    latents = encode(painter.vae, mixed.pictures[raw:]) * SCALING_FACTOR
    emoji = load_emoji()
    named = [emoji[row] for row in mixed.rows[coded:]]
    captions = [names_of(one)[0] if is_subject(one) and rng.random() < 0.8 else "" for one in named]
    redrawn = redraw(painter, latents[coded - raw :], captions, rng)
    return torch.cat([mixed.pictures[:raw], decode(painter.vae, torch.cat([latents[: coded - raw], redrawn]))])


@torch.no_grad()
def redraw(painter: Painter, latents: Tensor, captions: list[str], rng: random.Random) -> Tensor:
    """Noise latents to a time and come back in a few guided steps (DDIM, Song et al. 2021, eq. 12, without noise)."""
    if not captions:
        return latents
    alphas, start = alphas_cumprod(), rng.randint(*TIMES)
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    noise = torch.randn(latents.shape, generator=generator)
    noisy, _ = noised(latents, noise, torch.full((len(latents),), start), alphas)
    states = torch.cat([painter.states([""]).expand(len(latents), -1, -1), painter.states(captions)])
    times = [round(start * (DENOISING_STEPS - step) / DENOISING_STEPS) for step in range(DENOISING_STEPS)]
    clean = noisy
    for time, after in zip(times, [*times[1:], 0], strict=True):
        a, s = alphas[time].sqrt(), (1 - alphas[time]).sqrt()
        with autocast():
            both = painter.unet(torch.cat([noisy, noisy]), time, encoder_hidden_states=states).sample.float()
        without, named = both.chunk(2)
        v = without + GUIDANCE * (named - without)
        clean, noise = a * noisy - s * v, s * noisy + a * v
        noisy = alphas[after].sqrt() * clean + (1 - alphas[after]).sqrt() * noise
    return clean


def fit(examples: Mixtures, rng: random.Random, epochs: int = EPOCHS) -> StyleNetwork:
    """Train the network on pairs of examples that are shifted, mirrored, blurred and made noisy anew each time."""
    torch.manual_seed(rng.randrange(2**31))
    network = StyleNetwork().to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2)
    pairs = len(examples.pictures) // 2
    steps = epochs * max(1, 2 * pairs // BATCH)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * cosine(step / steps) * min(1.0, (step + 1) / 40)
        firsts = 2 * torch.randint(pairs, (min(BATCH // 2, pairs),))
        rows = torch.stack([firsts, firsts + 1], 1).flatten()
        pictures = augmented(examples.pictures[rows].float()).contiguous(memory_format=torch.channels_last)
        with autocast():
            guesses = network(pictures).float()
        loss = pair_loss(guesses, examples.amounts[rows])
        loss.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        if (step + 1) % 50 == 0:
            report("detector", f"step {step + 1} of {steps} loss {float(loss.detach()):.4f}")
    return network.train(mode=False)


def pair_loss(guesses: Tensor, amounts: Tensor) -> Tensor:
    """Squared error of known amounts (N, 8), and of what changes from each even row to the odd one after it."""
    amounts = torch.where(amounts.isnan(), guesses.detach(), amounts)
    weights = torch.where(amounts == ABSENT, 1.0, PRESENT_WEIGHT)
    level = (weights * (guesses - amounts).square()).mean()
    changed = (guesses[1::2] - guesses[::2]) - (amounts[1::2] - amounts[::2])
    moved = torch.where(amounts[1::2] == amounts[::2], 1.0, PRESENT_WEIGHT)
    return level + STEP_WEIGHT * (moved * changed.square()).mean()


def augmented(pictures: Tensor) -> Tensor:
    """Shift by up to eight pixels, mirror, and a little blur and noise: (N, 3, H, W) to the same.

    Half of the pairs also get what guidance does to pictures: more contrast, stronger colours and sharper edges.
    """
    y, x = (int(v) for v in torch.randint(0, 17, (2,)))
    size = pictures.shape[-1]
    pictures = F.pad(pictures, (8, 8, 8, 8), mode="replicate")[..., y : y + size, x : x + size]
    if float(torch.rand(())) < 0.5:
        pictures = pictures.flip(-1)
    pictures = torch.lerp(pictures, blurred(pictures), torch.rand(len(pictures), 1, 1, 1) * 0.5)
    pictures = guided_looking(pictures)
    noise = torch.randn_like(pictures) * torch.rand(len(pictures), 1, 1, 1) * 0.04
    return (pictures + noise).clamp(0, 1)


def guided_looking(pictures: Tensor) -> Tensor:
    """Half of the pairs (2N, 3, H, W) with gains of contrast, colour and edges up to `GAINS`, both of a pair the same."""
    count = len(pictures)
    pairs = -(-count // 2)
    changed = (torch.rand(pairs, 1, 1, 1) < 0.5).float()
    contrast, colours, edges = (
        (changed * torch.rand(pairs, 1, 1, 1) * gain).repeat_interleave(2, 0)[:count] for gain in GAINS
    )
    mean = pictures.mean((1, 2, 3), keepdim=True)
    pictures = pictures + contrast * (pictures - mean)
    pictures = pictures + colours * (pictures - luminance(pictures))
    return (pictures + edges * (pictures - blurred(pictures))).clamp(0, 1)


def blurred(pictures: Tensor) -> Tensor:
    """The mean over 3 x 3 pixels: (N, 3, H, W) to the same."""
    return F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
