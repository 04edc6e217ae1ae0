"""A training against a plain PEFT + diffusers loop: the same data, noise and start; losses, weights, speed and peak memory.

`python -m benchmarks.train_speed [STEPS]`, about two minutes of a core for 100 steps. Each loop runs in a process of its own,
after the other, three times in turn; the plain loop is what diffusers' `train_text_to_image_lora.py` does at each step:
encode pictures and captions, add noise, predict, step.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

if TYPE_CHECKING:
    from lora_mixer.trainer import TrainSettings
    from training.networks import Vae

STEPS, PICTURES, BATCH, RANK, RATE, ROUNDS = 100, 12, 4, 8, 1e-3, 3
MODEL = Path(__file__).parents[1] / "lora_mixer" / "data" / "emoji" / "model"


def main() -> int:
    """Run both loops in turn; print the table, and return 1 where a bar does not hold."""
    steps = next((int(word) for word in sys.argv[1:] if word.isdigit()), STEPS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _draw(folder / "pictures")
        told: dict[str, list[dict[str, Any]]] = {"ours": [], "plain": []}
        for number in range(ROUNDS):
            for which in told:
                out = folder / f"{which}{number}.pt"
                command = [
                    sys.executable,
                    "-W",
                    "ignore",
                    "-m",
                    __spec__.name,
                    which,
                    str(folder),
                    str(steps),
                    str(out),
                ]
                subprocess.run(command, check=True)
                told[which].append(torch.load(out))
    ours, plain = told["ours"][0], told["plain"][0]
    apart = max(float((one - two).abs().max()) for one, two in zip(ours["weights"], plain["weights"], strict=True))
    losses = float((torch.tensor(ours["losses"]) - torch.tensor(plain["losses"])).abs().max())
    seconds = {which: min(one["seconds"] for one in runs) for which, runs in told.items()}
    peaks = {which: min(one["peak"] for one in runs) for which, runs in told.items()}
    rows = [
        (f"largest difference of losses over {steps} steps", losses, 1e-4, losses <= 1e-4),
        (f"largest difference of weights after {steps} steps", apart, 1e-4, apart <= 1e-4),
        (
            "speed, times that of the plain loop",
            seconds["plain"] / seconds["ours"],
            1.3,
            seconds["plain"] >= 1.3 * seconds["ours"],
        ),
        (
            "peak memory, share of the plain loop's",
            peaks["ours"] / peaks["plain"],
            1.0,
            peaks["ours"] <= peaks["plain"],
        ),
    ]
    print("| measure | value | bar | holds |\n|---|---|---|---|")
    for measure, value, bar, holds in rows:
        print(f"| {measure} | {value:.3g} | {bar:g} | {'yes' if holds else 'no'} |")
    print(
        f"processor seconds a step: {seconds['ours'] / steps:.3f}, plain loop {seconds['plain'] / steps:.3f}; "
        f"peak {peaks['ours']:.0f} MB, plain loop {peaks['plain']:.0f} MB"
    )
    return int(not all(holds for *_, holds in rows))


def _draw(folder: Path) -> None:
    folder.mkdir()
    for number in range(PICTURES):
        rng = np.random.default_rng(number)
        small = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(small).resize((128, 128), Image.Resampling.BICUBIC).save(folder / f"{number:02}.png")
        (folder / f"{number:02}.txt").write_text(f"red heart, number {number}")


def _settings(steps: int) -> TrainSettings:
    from lora_mixer.trainer import TrainSettings

    return TrainSettings(
        steps=steps, batch=BATCH, rank=RANK, rate=RATE, warmup=0, schedule="constant", checkpoint_every=steps
    )


def ours(folder: Path, steps: int) -> dict[str, object]:
    """Train with this program's trainer, from pictures to losses and weights; encoding is counted."""
    from lora_mixer.models.folder import open_folder
    from lora_mixer.trainer import StepReport, Watch, train

    model = open_folder(MODEL, name="emoji", dtype=torch.float32)
    losses: list[float] = []

    def told(report: StepReport) -> None:
        losses.append(report.loss)

    begun = time.process_time()
    output = folder / f"ours-{time.monotonic_ns()}.safetensors"
    train(model, folder / "pictures", output, _settings(steps), watch=Watch(on_step=told))
    seconds = time.process_time() - begun
    state = torch.load(output.with_suffix(".training") / "state.pt")
    weights = [group[slot].clone() for group in state["slots"].values() for slot in ("down", "up")]
    return {"losses": losses, "weights": weights, "seconds": seconds}


def plain(folder: Path, steps: int) -> dict[str, object]:
    """Train with PEFT and diffusers: the start, order and noise of this program's trainer, everything else their own."""
    import peft
    from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
    from transformers import CLIPTextModel, CLIPTokenizer

    from lora_mixer.models.folder import open_folder
    from lora_mixer.trainer import Dice, Learner
    from lora_mixer.trainer.order import Order

    asked = _settings(steps)
    start = Learner(open_folder(MODEL, name="emoji", dtype=torch.float32), asked).adapters.slots()
    unet = UNet2DConditionModel.from_pretrained(MODEL / "unet").requires_grad_(requires_grad=False)
    vae = AutoencoderKL.from_pretrained(MODEL / "vae").requires_grad_(requires_grad=False)
    text = CLIPTextModel.from_pretrained(MODEL / "text_encoder").requires_grad_(requires_grad=False)
    tokenizer = CLIPTokenizer.from_pretrained(MODEL / "tokenizer")
    noises = DDPMScheduler.from_pretrained(MODEL / "scheduler")
    layers = {name.partition(":")[2]: slots for name, slots in start.items()}
    unet.add_adapter(peft.LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(layers)))
    for name, slots in layers.items():
        layer = unet.get_submodule(name)
        layer.lora_A["default"].weight.data = slots["down"].clone()
        layer.lora_B["default"].weight.data = slots["up"].clone()
    trained = [parameter for parameter in unet.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=RATE, weight_decay=asked.weight_decay)
    paths = sorted((folder / "pictures").glob("*.png"))
    order, losses = Order([range(PICTURES)], BATCH, asked.seed), []
    begun = time.process_time()
    for step in range(steps):
        dice, numbers = Dice.of(asked.seed, step), order.at(step)
        latents = torch.stack([_latent(vae, paths[number], dice.noise) for number in numbers])
        captions = [paths[number].with_suffix(".txt").read_text() for number in numbers]
        times = torch.randint(len(noises.alphas_cumprod), (len(numbers),), generator=dice.noise)
        noise = torch.randn(latents.shape, generator=dice.noise)
        ids = tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt").input_ids
        states = text(ids).last_hidden_state
        noisy = noises.add_noise(latents, noise, times)
        velocity = noises.config.prediction_type == "v_prediction"
        target = noises.get_velocity(latents, noise, times) if velocity else noise
        predicted = unet(noisy, times, encoder_hidden_states=states).sample
        loss = torch.nn.functional.mse_loss(predicted, target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, asked.clip)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    seconds = time.process_time() - begun
    weights = []
    for name in layers:
        layer = unet.get_submodule(name)
        weights += [layer.lora_A["default"].weight.data.clone(), layer.lora_B["default"].weight.data.clone()]
    return {"losses": losses, "weights": weights, "seconds": seconds}


@torch.no_grad()
def _latent(vae: Vae, path: Path, generator: torch.Generator) -> torch.Tensor:
    with Image.open(path) as opened:
        values = torch.from_numpy(np.asarray(opened.convert("RGB")).copy()).permute(2, 0, 1)[None].float()
    found = vae.encode(values / 127.5 - 1).latent_dist
    return ((found.mean + found.std * torch.randn(found.mean.shape, generator=generator)) * vae.config.scaling_factor)[
        0
    ]


def _one() -> None:
    """Run one loop in this process and write what it made."""
    which, folder, steps, out = sys.argv[1:]
    torch.set_num_threads(1)
    made = {"ours": ours, "plain": plain}[which](Path(folder), int(steps))
    made["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    torch.save(made, out)
    print(json.dumps({which: made["seconds"], "peak": made["peak"]}), flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 5:
        _one()
    else:
        raise SystemExit(main())
