"""Opening full-size single files: SD 1.5 and SDXL at their true size, random weights in bfloat16, beside diffusers.

Writes a temporary file of 2.1 GB, then one of 6.9 GB, and opens each in a process of its own. Peak memory is the
process's highest resident set (`VmHWM`), once every weight has been read, so that memory-mapped weights count too.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.report import Row, finish, row
from lora_mixer.families import find_family

GIGABYTE = 1e9
BLOCK = 2**24
PIPELINES = {"sd1": "StableDiffusionPipeline", "sdxl": "StableDiffusionXLPipeline"}


def main() -> None:
    """Print the rows, or, as a child process, what one opening took."""
    if "--child" in sys.argv:
        _, _, who, family, path = sys.argv
        print(json.dumps(opened(who, family, Path(path))))
        return
    finish([one for family in PIPELINES for one in rows(family)])


def rows(family: str) -> list[Row]:
    """Return the rows of one family."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.safetensors"
        write(family, file)
        size = file.stat().st_size / GIGABYTE
        ours, theirs = (child(who, family, file) for who in ("ours", "diffusers"))
    what = f"open {family} at full size, {size:.1f} GB"
    return [
        row(what, ours["seconds"], "diffusers from_single_file", theirs["seconds"], bar=1.0),
        row(f"{what}: peak GB opened", ours["opened"], "diffusers from_single_file", theirs["opened"], bar=1.05),
        row(f"{what}: peak GB, all read", ours["read"], "diffusers from_single_file", theirs["read"], bar=1.05),
    ]


def child(who: str, family: str, path: Path) -> dict[str, float]:
    """Return what one opening took, in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.open_model", "--child", who, family, str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    measured: dict[str, float] = json.loads(said.splitlines()[-1])
    return measured


def opened(who: str, family: str, path: Path) -> dict[str, float]:
    """Open a file one way or the other, then read every weight; times in seconds, memory in GB."""
    open_it = {"ours": _ours, "diffusers": _diffusers}[who]()
    begun = time.perf_counter()
    networks = list(open_it(family, path))
    seconds, memory = time.perf_counter() - begun, peak()
    for network in networks:
        for parameter in network.parameters():
            parameter.view(-1)[::512].float().sum()  # one number of every page
    return {"seconds": seconds, "opened": memory, "read": peak()}


def peak() -> float:
    """Return the highest resident set of this process so far, in GB."""
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024 / GIGABYTE


def _ours() -> Any:  # noqa: ANN401 the two ways share no type
    from lora_mixer.models import open_model
    from lora_mixer.request import ModelSource

    def open_it(family: str, path: Path) -> Iterable[Any]:
        model = open_model(ModelSource(name=family, location=str(path)), device="cpu", dtype="bfloat16")
        return (*model.parts.values(), model.vae)

    return open_it


def _diffusers() -> Any:  # noqa: ANN401
    import diffusers
    import torch

    pipelines = {
        family: getattr(diffusers, name) for family, name in PIPELINES.items()
    }  # imported now, not in the time

    def open_it(family: str, path: Path) -> Iterable[Any]:
        none = {} if family == "sdxl" else {"safety_checker": None}
        pipeline = pipelines[family].from_single_file(
            str(path), config=str(path.parent), local_files_only=True, torch_dtype=torch.bfloat16, **none
        )
        return [value for value in pipeline.components.values() if isinstance(value, torch.nn.Module)]

    return open_it


def write(family: str, path: Path) -> None:
    """Write a family's full-size checkpoint of random numbers, and beside it the folder of configurations."""
    import torch

    from lora_mixer.export.ldm_names import ldm_tensors
    from lora_mixer.libraries.classes import TextEncoder
    from lora_mixer.models import Model
    from lora_mixer.models.unet import UNetDenoiser

    networks = _empty(family, path.parent)
    texts: dict[str, TextEncoder] = {part: networks[part] for part in ("te1", "te2") if part in networks}
    model = Model(
        name=family,
        family=find_family(family),
        denoiser=UNetDenoiser(network=networks["unet"], told=find_family(family).sizes),
        text_encoders=texts,
        vae=networks["vae"],
        tokenizers={},
        scheduler_config={},
        files=(),
    )
    tensors = dict(ldm_tensors(model))
    block = (torch.randn(BLOCK) * 0.02).to(torch.bfloat16).view(torch.uint8).numpy().tobytes()
    header, at = {}, 0
    for key, tensor in tensors.items():
        end = at + 2 * tensor.numel()
        header[key] = {"dtype": "BF16", "shape": list(tensor.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(header).encode()
    with path.open("wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for left in range(at, 0, -len(block)):
            out.write(block[:left])


def _empty(family: str, folder: Path) -> dict[str, Any]:
    """Return the networks on the meta device, and write what diffusers wants to know of them into a folder."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    index: dict[str, Any] = {"_class_name": PIPELINES[family], "scheduler": ["diffusers", "DDIMScheduler"]}
    networks: dict[str, Any] = {}
    with torch.device("meta"):
        for name, network in (("unet", UNet2DConditionModel), ("vae", AutoencoderKL)):
            networks[name] = network.from_config(find_family(family).configs.get(name))
            networks[name].save_config(folder / name)
            index[name] = ["diffusers", network.__name__]
        for part, suffix, encoder in (("te1", "", CLIPTextModel), ("te2", "_2", CLIPTextModelWithProjection)):
            plan = find_family(family).configs.get(f"text_encoder{suffix}")
            if plan is None:
                continue
            networks[part] = encoder(CLIPTextConfig(**plan))
            networks[part].config.save_pretrained(folder / f"text_encoder{suffix}")
            tokenizer = Path(__file__).parents[1] / "lora_mixer" / "data" / "emoji" / "model" / "tokenizer"
            shutil.copytree(tokenizer, folder / f"tokenizer{suffix}")
            index[f"text_encoder{suffix}"] = ["transformers", encoder.__name__]
            index[f"tokenizer{suffix}"] = ["transformers", "CLIPTokenizer"]
    (folder / "scheduler").mkdir()
    schedule = {
        **(find_family(family).configs.get("scheduler", {})),
        "_class_name": "DDIMScheduler",
        "clip_sample": False,
    }
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(schedule), encoding="utf-8")
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    return networks


if __name__ == "__main__":
    main()
