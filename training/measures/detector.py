"""The style detector: one small network that says how much of each look a picture shows.

It learns from pairs of real artwork and of pictures that the base painted (`training.measures.examples`), never from a picture
that an adapter had a part in. Emoji are split: accuracy is told on subjects of which it saw neither drawing nor namesake.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from training.loop import cosine
from training.measures.examples import SETTING, kept_examples
from training.measures.mixtures import Mixtures, joined
from training.painter import Painter
from training.paths import DATA, WORK
from training.pixels import in_batches, shrink_to
from training.precision import autocast
from training.progress import report
from training.styles import luminance
from training.wardrobe import NAMES

FOLDER = WORK / "detector"
EXAMPLES = 9000
EPOCHS = 14
BATCH = 64
RATE = 2e-3
SIZE = 128
"""Edge of the pictures the network sees."""

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
    facts = {"artwork": asdict(detector.artwork), "painted": asdict(detector.painted)}
    torch.save({"network": detector.network.state_dict(), **facts}, path)
    return detector


def digest_of_setting(examples: int, folder: Path) -> str:
    """What a detector is kept by, as the first digits of a sha256: all numbers it hangs on, its looks, and the model's weights."""
    numbers = (examples, EPOCHS, SIZE, GAINS, PRESENT_WEIGHT, STEP_WEIGHT, SETTING)
    digest = hashlib.sha256(repr((numbers, NAMES)).encode())
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def train_detector(painter: Painter, examples: int, folder: Path) -> Detector:
    """Draw examples into files, train the network, and tell how well it does on held-out subjects."""
    artwork, painted = kept_examples(painter, max(2, round(examples / 2)), folder)
    network = fit(joined(artwork.seen, painted.seen), random.Random(22))
    return Detector(network=network, artwork=trust(network, artwork.held), painted=trust(network, painted.held))


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


def detection_rate(guesses: Tensor, amounts: Tensor) -> float:
    """Percent of pictures with a look that score over all but 5 % of those without it."""
    floor = guesses[amounts == ABSENT].quantile(0.95)
    return 100 * float((guesses[amounts >= THERE] > floor).float().mean())


def fit(examples: Mixtures, rng: random.Random, epochs: int = EPOCHS) -> StyleNetwork:
    """Train the network on pairs of examples that are shifted, mirrored, blurred and made noisy anew each time."""
    torch.manual_seed(rng.randrange(2**31))
    network: StyleNetwork = StyleNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network.train()
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
