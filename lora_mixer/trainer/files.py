"""A trained LoRA as a file: kohya's keys and `ss_*`, and the model specification's `modelspec.*`.

Sources: sd-scripts `train_network.py` (metadata) and `library/sai_model_spec.py`; LyCORIS writes the same with its own
`ss_network_module`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from lora_mixer.export.writing import dtype_of, write_tensors
from lora_mixer.models import Model
from lora_mixer.trainer.layers import tensors_of
from lora_mixer.trainer.settings import TrainSettings
from lora_mixer.trainer.wrapping import Wrapped
from lora_mixer.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a file says of its training.

    Attributes:
        settings: How it was trained.
        facts: On what, as metadata.
        steps: How many steps were taken.
        epochs: How many epochs there are in all.
        epoch: Which of them the last step was of.
        batches: How many batches an epoch has.
        a_step: How many batches a step takes.
        started: When it began.
        finished: When the file was written.
    """

    settings: TrainSettings
    facts: Mapping[str, str]
    steps: int
    epochs: int
    epoch: int
    batches: int
    a_step: int
    started: datetime
    finished: datetime


def save_lora(path: Path, adapters: Wrapped, model: Model, trained: Trained) -> None:
    """Write a LoRA that this program, A1111, ComfyUI, sd-scripts and diffusers read.

    Raises:
        FileError: The disk is full or the folder is not writable.
    """
    stored = dtype_of(trained.settings.save_dtype)
    tensors = {key: value.to(stored).contiguous() for key, value in tensors_of(adapters, model).items()}
    write_tensors(path, tensors, metadata(path.stem, tensors, model, trained))


def metadata(name: str, tensors: Mapping[str, Tensor], model: Model, trained: Trained) -> dict[str, str]:
    """Return what a file says about itself."""
    return (
        _of_model(name, model)
        | _of_recipe(trained)
        | {"ss_resolution": "({0}, {0})".format(_resolution(model, trained))}
        | dict(trained.facts)
        | _specification(name, model, trained, digest=_hash_of(tensors))
    )


def _of_model(name: str, model: Model) -> dict[str, str]:
    return {
        "ss_output_name": name,
        "ss_sd_model_name": model.name,
        "ss_sd_model_hash": model.digest[:10],
        "ss_new_sd_model_hash": model.digest,
        "ss_base_model_version": model.family.base_model,
        "ss_v2": str(model.family.name == "sd2"),
        "ss_zero_terminal_snr": str(bool(model.scheduler_config.get("rescale_betas_zero_snr"))),
    }


def _of_recipe(trained: Trained) -> dict[str, str]:
    settings = trained.settings
    alpha = float(settings.rank if settings.alpha is None else settings.alpha)
    return {
        "ss_network_module": "networks.lora" if _is_plain(settings) else "lycoris.kohya",
        "ss_network_dim": str(settings.rank),
        "ss_network_alpha": str(alpha),
        "ss_network_args": json.dumps(_arguments(settings)),
        "ss_network_dropout": str(settings.dropout or None),
        "ss_learning_rate": str(settings.rate),
        "ss_unet_lr": str(settings.rate),
        "ss_text_encoder_lr": _text_rates(settings),
        "ss_optimizer": settings.optimizer,
        "ss_lr_scheduler": settings.schedule,
        "ss_lr_warmup_steps": str(settings.warmup),
        "ss_max_grad_norm": str(settings.clip),
        "ss_steps": str(trained.steps),
        "ss_max_train_steps": str(settings.steps),
        "ss_num_epochs": str(trained.epochs),
        "ss_epoch": str(trained.epoch),
        "ss_num_batches_per_epoch": str(trained.batches),
        "ss_total_batch_size": str(settings.batch * trained.a_step),
        "ss_gradient_accumulation_steps": str(settings.accumulate),
        "ss_gradient_checkpointing": str(settings.gradient_checkpointing),
        "ss_noise_offset": str(settings.noise_offset or None),
        "ss_multires_noise_iterations": str(settings.multires or None),
        "ss_multires_noise_discount": str(settings.multires_discount if settings.multires else None),
        "ss_min_snr_gamma": str(settings.min_snr_gamma),
        "ss_debiased_estimation": str(settings.debiased),
        "ss_loss_type": settings.loss,
        **(
            {}
            if settings.loss == "l2"
            else {"ss_huber_schedule": settings.huber_schedule, "ss_huber_c": str(settings.huber_c)}
        ),
        "ss_caption_dropout_rate": str(settings.caption_dropout),
        "ss_caption_tag_dropout_rate": str(settings.tag_dropout),
        "ss_shuffle_caption": str(settings.shuffle),
        "ss_keep_tokens": str(settings.keep_tokens),
        "ss_flip_aug": str(settings.flip),
        "ss_prior_loss_weight": str(settings.prior_weight),
        "ss_mixed_precision": {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}[settings.precision],
        "ss_seed": str(settings.seed),
        "ss_training_started_at": str(trained.started.timestamp()),
        "ss_training_finished_at": str(trained.finished.timestamp()),
    }


def _specification(name: str, model: Model, trained: Trained, *, digest: str) -> dict[str, str]:
    """Return the model specification's fields, and kohya's digests."""
    trigger = trained.settings.trigger
    return {
        "sshs_model_hash": digest,
        "sshs_legacy_hash": digest[:8],
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.architecture": f"{model.family.architecture}/lora",
        "modelspec.implementation": f"LoRA Mixer {__version__}",
        "modelspec.title": name,
        "modelspec.date": trained.started.date().isoformat(),
        "modelspec.resolution": "{0}x{0}".format(_resolution(model, trained)),
        "modelspec.prediction_type": "v" if model.prediction == "v_prediction" else "epsilon",
        "modelspec.hash_sha256": f"0x{digest}",
        **({"modelspec.trigger_phrase": trigger} if trigger else {}),
    }


def _is_plain(settings: TrainSettings) -> bool:
    return settings.kind == "lora" and not settings.dora


def _arguments(settings: TrainSettings) -> dict[str, str]:
    found = {"conv_dim": str(settings.conv_rank), "conv_alpha": str(settings.conv_rank)} if settings.conv_rank else {}
    if settings.rs_lora:
        found["rs_lora"] = "True"
    for name in ("rank_dropout", "module_dropout"):
        if getattr(settings, name):
            found[name] = str(getattr(settings, name))
    if settings.block_ranks:
        found["block_ranks"] = json.dumps(dict(settings.block_ranks))
    if _is_plain(settings):
        return found
    algorithm = {"algo": settings.kind} if settings.kind != "lora" else {"algo": "locon"}
    return {**algorithm, **found, **({"dora_wd": "True", "wd_on_output": "True"} if settings.dora else {})}


def _text_rates(settings: TrainSettings) -> str:
    """Return the rate of the text encoders as sd-scripts writes it: one number, or a list."""
    if settings.text_rate_2 is None:
        return str(settings.text_rate)
    return str([settings.text_rate or 0.0, settings.text_rate_2])


def _resolution(model: Model, trained: Trained) -> int:
    return trained.settings.resolution or min(model.native_size)


def _hash_of(tensors: Mapping[str, Tensor]) -> str:
    """Return the sha256 of the bytes after a file's header (kohya's `sshs_model_hash`; A1111's AutoV3)."""
    written = save(dict(tensors))
    return hashlib.sha256(written[8 + int.from_bytes(written[:8], "little") :]).hexdigest()
