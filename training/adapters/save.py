"""Write an adapter as kohya's trainer would, with metadata that says what was really done."""

from __future__ import annotations

import hashlib
import json
import struct
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from safetensors.torch import save, save_file
from torch import Tensor

from training.adapters.adapter import Adapter
from training.adapters.data import BESIDE, LEAST, views
from training.adapters.recipes import Recipe
from training.artwork import load_emoji
from training.captions import names_of
from training.precision import mixed_precision

BASE_NAME = "lora-mixer-emoji"
"""What the files call the model they belong to."""


def tensor_digest(tensors: dict[str, Tensor]) -> str:
    """sha256 over the tensor bytes: the part of a safetensors file after its header (``sshs_model_hash``)."""
    data = save(tensors)
    (header,) = struct.unpack("<Q", data[:8])
    return hashlib.sha256(data[8 + header :]).hexdigest()


def tag_frequency(recipe: Recipe) -> dict[str, dict[str, int]]:
    """How often each subject, and the trigger, stands for a picture of the training set."""
    emoji, shown = load_emoji(), views(recipe)
    counts = Counter(names_of(emoji[view.row])[0] for view in shown)
    if recipe.trigger:
        counts[recipe.trigger] = len(shown)
    return {f"1_{recipe.name}": dict(counts.most_common())}


def how_trained(recipe: Recipe) -> str:
    """What an adapter was shown at which strength, in a sentence or two."""
    said = f"Trained at strengths {LEAST:g} to 1 on pictures that show the look in that amount."
    if recipe.beside:
        said += f" A part of the time at {BESIDE:g} beside {' or '.join(recipe.beside)} at {BESIDE:g}, frozen."
    return said


def metadata(recipe: Recipe, digest: str, *, started: datetime, batch: int) -> dict[str, str]:
    """Kohya's ``ss_*``, the add-on network hash, and ``modelspec.*`` 1.0.1."""
    steps = -(-recipe.images // batch)
    tags = tag_frequency(recipe)
    pictures = len(views(recipe))
    lycoris = {"algo": recipe.kind, "conv_dim": str(recipe.conv_rank), "conv_alpha": str(recipe.conv_alpha)}
    plain = {"conv_dim": str(recipe.conv_rank), "conv_alpha": str(recipe.conv_alpha)} if recipe.conv_rank else {}
    numbers = {
        "ss_output_name": recipe.name,
        "ss_sd_model_name": BASE_NAME,
        "ss_base_model_version": BASE_NAME,
        "ss_v2": "False",
        "ss_network_module": "networks.lora" if recipe.kind == "lora" else "lycoris.kohya",
        "ss_network_dim": str(recipe.rank),
        "ss_network_alpha": str(float(recipe.alpha)),
        "ss_network_args": json.dumps(plain if recipe.kind == "lora" else lycoris),
        "ss_learning_rate": str(recipe.rate),
        "ss_unet_lr": str(recipe.rate),
        "ss_text_encoder_lr": str(recipe.rate if recipe.text else 0.0),
        "ss_optimizer": "torch.optim.AdamW(betas=(0.9, 0.99),weight_decay=0.0)",
        "ss_lr_scheduler": "cosine",
        "ss_lr_warmup_steps": "20",
        "ss_steps": str(steps),
        "ss_max_train_steps": str(steps),
        "ss_total_batch_size": str(batch),
        "ss_num_train_images": str(pictures),
        "ss_num_reg_images": "0",
        "ss_resolution": "(128, 128)",
        "ss_clip_skip": "None",
        "ss_mixed_precision": mixed_precision(),
        "ss_seed": "0",
        "ss_training_started_at": str(started.timestamp()),
        "ss_training_finished_at": str(datetime.now(UTC).timestamp()),
        "ss_tag_frequency": json.dumps(tags),
        "ss_dataset_dirs": json.dumps({f"1_{recipe.name}": {"n_repeats": 1, "img_count": pictures}}),
        "ss_training_comment": f"{recipe.notes} {how_trained(recipe)}",
        "sshs_model_hash": digest,
    }
    card = {
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": f"{BASE_NAME}/lora",
        "modelspec.implementation": "LoRA Mixer, training.adapters",
        "modelspec.title": recipe.title,
        "modelspec.description": recipe.description,
        "modelspec.author": "LoRA Mixer",
        "modelspec.date": started.date().isoformat(),
        "modelspec.license": recipe.licence,
        "modelspec.usage_hint": recipe.notes,
        "modelspec.resolution": "128x128",
        "modelspec.prediction_type": "v",
        "modelspec.hash_sha256": f"0x{digest}",
        "modelspec.attribution": recipe.attribution,
    }
    if recipe.trigger:
        card["modelspec.trigger_phrase"] = recipe.trigger
    return numbers | card


def sidecar(recipe: Recipe) -> dict[str, object]:
    """What the card of the adapter says beside its preview."""
    return {
        "description": recipe.description,
        "activation text": recipe.trigger,
        "preferred weight": recipe.weight,
        "negative text": recipe.negative,
        "notes": f"{recipe.notes} Artwork: {recipe.attribution} ({recipe.licence}).",
    }


def save_adapter(adapter: Adapter, recipe: Recipe, target: Path, *, started: datetime, batch: int) -> None:
    """Write ``NAME.safetensors`` in float16 and ``NAME.json`` beside it."""
    tensors = adapter.slots()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".json").write_text(json.dumps(sidecar(recipe), indent=2) + "\n")
    part = target.with_suffix(".part")
    save_file(tensors, part, metadata(recipe, tensor_digest(tensors), started=started, batch=batch))
    part.rename(target)
