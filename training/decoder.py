"""Train the VAE's decoder further, with the encoder as it is: latents that were encoded before stay valid.

The finished VAE has its latents normalised and the base is trained on them, so only the way back to pixels may change. A
little noise on the latents stands for the difference between encoded latents and sampled ones.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from training.loop import Budget, Loop, Progress, StepResult
from training.networks import SCALING_FACTOR, Vae, open_vae
from training.paths import WORK
from training.precision import mixed_precision
from training.progress import report
from training.styles import PROCEDURAL, Style, on_white
from training.vae import FOLDER as VAE_FOLDER
from training.vae import VaePictures, held_pictures, picture_loss, psnr
from training.wardrobe import COLD, WARM, graded, hat_artwork, with_hat

FOLDER = WORK / "decoder"
FINISHED = FOLDER / "vae"
"""The VAE that is shipped."""

RATE = 6e-4
STYLED = 0.35
"""Share of pictures in the look of an adapter."""

LATENT_NOISE = 0.05
"""Standard deviation of the noise on unit-variance latents."""


def adapter_looks() -> dict[str, Style]:
    """The looks of all adapters that are functions of artwork: what the decoder has to draw beside the artwork sets."""
    hat = hat_artwork()

    def hatted(artwork: Tensor) -> Tensor:
        return on_white(with_hat(artwork, hat))

    def warm(artwork: Tensor) -> Tensor:
        return graded(artwork, WARM)

    def cold(artwork: Tensor) -> Tensor:
        return graded(artwork, COLD)

    return PROCEDURAL | {"top_hat": hatted, "warm": warm, "cold": cold}


def train_decoder(budget: Budget, batch: int = 8, folder: Path = FOLDER) -> Vae:
    """Train decoder and ``post_quant_conv`` of the finished VAE to the end of the budget; return the averaged VAE."""
    accelerator = Accelerator(mixed_precision=mixed_precision())
    torch.manual_seed(0)
    vae = open_vae(VAE_FOLDER / "finished").to(accelerator.device).requires_grad_(requires_grad=False)
    vae = vae.to(memory_format=torch.channels_last)
    trained = {"decoder": vae.decoder, "post_quant_conv": vae.post_quant_conv}
    for module in trained.values():
        module.requires_grad_(requires_grad=True)
    parameters = [p for module in trained.values() for p in module.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=(0.9, 0.99), weight_decay=1e-4, fused=True)
    pictures, held = VaePictures(adapter_looks(), STYLED), held_pictures()[::3]
    loop = Loop(
        name="decoder",
        accelerator=accelerator,
        modules=trained,
        optimizer=optimizer,
        budget=budget,
        folder=folder,
        average_decay=0.995,
    )

    def step(_: Progress) -> StepResult:
        generator = torch.Generator().manual_seed(torch.initial_seed())
        truth = pictures.batch(batch, 128, generator).to(accelerator.device)
        truth = truth.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            latents = vae.encode(truth).latent_dist.mode().float()
        latents = latents + torch.randn_like(latents) * LATENT_NOISE / SCALING_FACTOR
        restored = vae.decode(latents).sample.float()
        quality = -10 * math.log10(float(F.mse_loss(restored.detach(), truth)) / 4)
        return StepResult(loss=picture_loss(restored, truth), images=batch, logs={"dB": quality})

    def watch(_: Progress) -> str:
        return f"held-out PSNR {psnr(vae, held):.2f} dB (weights of this moment)"

    loop.run(step, watch)
    loop.use_average()
    return vae


def main() -> None:
    """Train the decoder unless that is done, and save the whole VAE as a diffusers folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--images", type=int)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if (FINISHED / "config.json").exists():
        report("decoder", "done already")
        return
    before = psnr(open_vae(VAE_FOLDER / "finished"), held_pictures())
    vae = train_decoder(Budget(minutes=options.minutes, images=options.images))
    report("decoder", f"held-out PSNR {before:.2f} dB before, {psnr(vae, held_pictures()):.2f} dB after")
    vae.save_pretrained(FINISHED)


if __name__ == "__main__":
    main()
