"""200 jobs, each with a mix of its own, on the embedded model: ours against a plain loop over diffusers and PEFT.

`python -m benchmarks throughput`, or `python -m benchmarks.throughput rows.json 24` for fewer jobs. Both render the same prompts from
the same seeds at the same strengths with the same solver in one process and one thread, and are timed in seconds of
this process's own work, so that whatever else the machine does leaves the ratio alone. The loop is what its
documentation shows: load the LoRAs once, `set_adapters`, call the pipeline. Both save every picture as PNG, ours with its
record and flushed to the disk. The third row holds ours in bfloat16 (`--dtype bfloat16`) against the loop at its default.

The last row is what whoever starts it waits for, on a machine that does nothing else: `lora-mixer render` with a worker a
core, against the loop as a script that leaves threads and dtype to torch and diffusers. Either is timed from its start to
its last picture, imports, opening and all.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline

from benchmarks.report import Row, finish, row
from benchmarks.sd15 import DATA
from lora_mixer import LoraUse, Mixer, RenderRequest, Strength
from lora_mixer.images import save_picture
from lora_mixer.models.device import choose_dtype

MODEL = DATA / "emoji" / "model"
LORAS = ("line_art", "night_sky", "pixel_art", "top_hat")
PROMPTS = ("red heart", "cat face", "blue flower", "smiling face", "sun", "green apple", "house", "fish")
NEGATIVE = "worst quality, blurry"
STEPS = 10
JOBS = 200
BATCH = 8
DTYPES = ("float32", "bfloat16")
"""The second only where the processor has it: emulated it would take hours."""


def requests(count: int) -> list[RenderRequest]:
    """Return jobs whose mixes are two LoRAs of four at strengths of their own: no two jobs share a mix."""
    draw = random.Random(0)
    return [
        RenderRequest(
            prompt=f"{PROMPTS[number % len(PROMPTS)]}, white background",
            negative=NEGATIVE,
            seed=number,
            steps=STEPS,
            cfg=7.0,
            upscale=1,
            sampler="DPM++ 2M",
            loras=tuple(
                LoraUse(name=name, strength=Strength(round(draw.uniform(0.2, 1.0), 3)))
                for name in draw.sample(LORAS, 2)
            ),
        )
        for number in range(count)
    ]


def ours(jobs: Sequence[RenderRequest], dtype: str, folder: Path) -> float:
    """Return the seconds our batches take, the model already open, pictures saved into a folder."""
    mixer = Mixer.open(dtype=dtype, device="cpu")
    list(mixer.render_many(jobs[:BATCH], batch=BATCH))
    started = time.process_time()
    for number, one in enumerate(mixer.render_many(jobs, batch=BATCH)):
        save_picture(one.image, one.record, folder / f"{number}.png")
    return time.process_time() - started


def loop(jobs: Sequence[RenderRequest], dtype: str, folder: Path) -> float:
    """Return the seconds the loop takes, the model and the LoRAs already loaded, pictures saved into a folder."""
    pipe = StableDiffusionPipeline.from_pretrained(
        MODEL, torch_dtype=getattr(torch, dtype), safety_checker=None, requires_safety_checker=False
    )
    pipe.scheduler = DPMSolverMultistepScheduler.from_config(pipe.scheduler.config)
    pipe.set_progress_bar_config(disable=True)
    for name in LORAS:
        pipe.load_lora_weights(str(DATA / "emoji" / "loras" / f"{name}.safetensors"), adapter_name=name)
    size = pipe.unet.config.sample_size * pipe.vae_scale_factor

    def one(job: RenderRequest) -> None:
        pipe.set_adapters([use.name for use in job.loras], [use.strength.denoiser for use in job.loras])
        picture = pipe(
            job.prompt,
            negative_prompt=job.negative,
            num_inference_steps=STEPS,
            guidance_scale=7.0,
            width=size,
            height=size,
            generator=torch.Generator().manual_seed(job.seed or 0),
        ).images[0]
        picture.save(folder / f"loop{job.seed}.png")

    one(jobs[0])
    started = time.process_time()
    for job in jobs:
        one(job)
    return time.process_time() - started


def waited_for(command: Sequence[str]) -> float:
    """Return the seconds until a command has ended well."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", *command], check=True, capture_output=True)
    return time.perf_counter() - started


def whole_machine(count: int, folder: Path) -> Row:
    """Return the command line with a worker a core against the loop as a script."""
    cores = os.cpu_count() or 1
    file = folder / "jobs.txt"
    file.write_text("\n".join(map(prompt_line, requests(count))), encoding="utf-8")
    options = ("--workers", str(cores), "--threads", "1", "--batch", str(BATCH))
    ours = waited_for(["-m", "lora_mixer_app", "render", str(file), "-o", str(folder / "ours"), *options])
    theirs = waited_for(["-c", f"from benchmarks.throughput import run_loop; run_loop({count})"])
    return row(
        f"{count} jobs of two LoRAs each, {STEPS} steps, embedded model, `render --workers {cores}`, started and ended",
        ours,
        "loop over diffusers + PEFT as a script",
        theirs,
        bar=1 / 3,
    )


def prompt_line(job: RenderRequest) -> str:
    """Return a job as a line of a prompt file."""
    loras = ";".join(f"{use.name}={use.strength.denoiser}" for use in job.loras)
    asked = f"--seed {job.seed} --steps {job.steps} --cfg_scale {job.cfg} --sampler_name {job.sampler} --loras {loras}"
    return f"--prompt {job.prompt} --negative_prompt {job.negative} {asked}"


def measure(count: int = JOBS) -> list[Row]:
    """Return our time against the loop's; the bar is a third of it."""
    torch.set_num_threads(1)
    jobs = requests(count)
    dtypes = DTYPES if choose_dtype(torch.device("cpu")) is torch.bfloat16 else DTYPES[:1]
    with tempfile.TemporaryDirectory() as folder:
        mine = {dtype: ours(jobs, dtype, Path(folder)) for dtype in dtypes}
        plain = {dtype: loop(jobs, dtype, Path(folder)) for dtype in dtypes}
        everything = whole_machine(count, Path(folder))
    peer, what = "loop over diffusers + PEFT", f"{count} jobs of two LoRAs each, {STEPS} steps, embedded model"
    rows = [row(f"{what}, {dtype}, one thread", mine[dtype], peer, plain[dtype], bar=1 / 3) for dtype in dtypes]
    if len(dtypes) == 1:
        print("no bfloat16 on this processor: its rows are left out", file=sys.stderr)
        return [*rows, everything]
    default = row(
        f"{what}, bfloat16, one thread", mine["bfloat16"], f"{peer}, its default float32", plain["float32"], bar=1 / 3
    )
    return [*rows, default, everything]


def run_loop(count: int) -> None:
    """Run the loop as a script of its own would."""
    with tempfile.TemporaryDirectory() as folder:
        loop(requests(count), DTYPES[0], Path(folder))


if __name__ == "__main__":
    finish(measure(int(sys.argv[2]) if len(sys.argv) > 2 else JOBS))
