"""Check a model folder's configurations before a library builds anything from them.

Their numbers decide how many layers and how large tables are built, and their words can select code; both come from
strangers. The weights' headers say what is plausible.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lora_mixer.errors import BrokenFileError, LoraMixerError, ModelError, UnsafeFileError
from lora_mixer.files import CHECKPOINT_LIMITS, open_tensor_file

LARGEST = 65_536
"""The largest integer in a configuration, unless a tensor has a longer side."""

BLOCKS = 16
LAYERS = ("layers_per_block", "transformer_layers_per_block", "reverse_transformer_layers_per_block")
PROMPT = 77
"""Tokens of a chunk with its begin and end: so many places a text encoder must have."""

CHOOSES_CODE = ("quantization_config", "auto_map", "custom_pipelines")
TEXT: Mapping[str, type] = MappingProxyType(
    {
        "vocab_size": int,
        "hidden_size": int,
        "intermediate_size": int,
        "projection_dim": int,
        "num_hidden_layers": int,
        "num_attention_heads": int,
        "max_position_embeddings": int,
        "hidden_act": str,
        "layer_norm_eps": float,
        "attention_dropout": float,
        "initializer_range": float,
        "initializer_factor": float,
        "pad_token_id": int,
        "bos_token_id": int,
        "eos_token_id": int,
    }
)
"""All that a CLIP text encoder is built by; which attention it computes with is not the folder's to say."""

BETA_SCHEDULES = ("linear", "scaled_linear", "squaredcos_cap_v2")
PREDICTIONS = ("epsilon", "v_prediction", "sample")
MOST_TIMES = 10_000
_BOUNDED = ("num_hidden_layers", "num_attention_heads", "hidden_size")


@contextmanager
def told(where: str) -> Iterator[None]:
    """Turn any library exception about a broken model into one of our errors.

    Raises:
        ModelError: Anything but our own errors was raised.
    """
    try:
        yield
    except (LoraMixerError, MemoryError):
        raise
    except Exception as error:
        said = " ".join(str(error).split())[:200]
        raise ModelError(
            f"the model cannot be opened ({type(error).__name__}: {said})",
            where=where,
            remedy="Its configuration and weights do not match; download them again.",
        ) from error


def shapes_of(files: Iterable[Path]) -> dict[str, tuple[int, ...]]:
    """Return the shapes in some weight files.

    Raises:
        FileError: One is broken.
        ModelError: A tensor stands in two of them.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        found = {key: info.shape for key, info in open_tensor_file(file, limits=CHECKPOINT_LIMITS).tensors.items()}
        if twice := shapes.keys() & found.keys():
            raise ModelError(f"the tensor {min(twice)} stands in two of the files", where=str(file))
        shapes |= found
    return shapes


def check_network(
    component: Callable[..., object], config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], where: str
) -> None:
    """Check the configuration of a UNet or VAE against the class's own arguments and the weights' shapes.

    Raises:
        UnsafeFileError: It would choose code.
        ModelError: A value is of another kind than the class takes, or plainly not that of these weights.
    """
    refuse_choices(config, where)
    for name, argument in inspect.signature(component).parameters.items():
        if name in config and not _is_like(argument.default, config[name]):
            raise _odd(name, config[name], where)
    _check_numbers(config, shapes, where)
    blocks = config.get("block_out_channels", ())
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= BLOCKS:
        raise _odd("block_out_channels", blocks, where)
    layers = math.prod(max((1, *_numbers(config.get(name)))) for name in LAYERS)
    if len(blocks) * layers > max(len(shapes), 1):
        raise ModelError(
            f"the configuration asks for {len(blocks) * layers:,} layers, and there are {len(shapes):,} weights",
            where=where,
        )


def text_settings(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], where: str) -> dict[str, Any]:
    """Return the arguments to build a CLIP text encoder.

    Raises:
        UnsafeFileError: The configuration would choose code.
        ModelError: A value is of another kind, or plainly not that of these weights.
    """
    refuse_choices(config, where)
    settings = {name: config[name] for name in TEXT if config.get(name) is not None}
    for name, value in settings.items():
        if type(value) is not TEXT[name] and not (TEXT[name] is float and type(value) is int):
            raise _odd(name, value, where)
    _check_numbers(settings, shapes, where)
    if any(settings.get(name, 1) < 1 for name in _BOUNDED):
        name = next(name for name in _BOUNDED if settings.get(name, 1) < 1)
        raise _odd(name, settings[name], where)
    if settings.get("num_hidden_layers", 1) > len(shapes):
        raise ModelError(
            f"the configuration asks for {settings['num_hidden_layers']:,} layers, and there are {len(shapes):,} weights",
            where=where,
        )
    if settings.get("max_position_embeddings", PROMPT) < PROMPT:
        raise _odd("max_position_embeddings", settings["max_position_embeddings"], where)
    return settings


def check_schedule(config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return a noise schedule; what it leaves out about its training is as diffusers has it.

    Raises:
        ModelError: A value is impossible.
    """
    schedule = {"prediction_type": "epsilon", **config}
    times = schedule.get("num_train_timesteps", 1000)
    betas = schedule.get("trained_betas")
    wrong = {
        "num_train_timesteps": type(times) is not int or not 1 <= times <= MOST_TIMES,
        "prediction_type": schedule["prediction_type"] not in PREDICTIONS,
        "beta_schedule": schedule.get("beta_schedule", "linear") not in BETA_SCHEDULES,
        "rescale_betas_zero_snr": type(schedule.get("rescale_betas_zero_snr", False)) is not bool,
        "trained_betas": betas is not None
        and not (isinstance(betas, list) and len(betas) == times and all(map(_is_share, betas))),
    }
    wrong |= {name: not _is_share(schedule.get(name, 0.5)) for name in ("beta_start", "beta_end")}
    for name, is_wrong in wrong.items():
        if is_wrong:
            raise _odd(name, schedule.get(name), where)
    return schedule


def check_tokenizer(tokenizer: Any, rows: int, where: str) -> None:  # noqa: ANN401 transformers' class
    """Raise unless a tokenizer's words all have a row in the text encoder's table.

    Raises:
        ModelError: One has none, or there is no begin or end.
    """
    ends = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    if None in ends or max(len(tokenizer), *ends) > rows:
        raise ModelError(
            f"the tokenizer has {len(tokenizer):,} words, and the text encoder a table of {rows:,}", where=where
        )


def refuse_choices(config: Mapping[str, Any], where: str) -> None:
    """Refuse a configuration that would choose code.

    Raises:
        UnsafeFileError: It does.
    """
    for name in CHOOSES_CODE:
        if config.get(name):
            raise UnsafeFileError(
                f"the configuration has {name}, which chooses code", where=where, remedy="No model here needs it."
            )


def shards(index: Mapping[str, Any], folder: Path, where: str) -> tuple[Path, ...]:
    """Return the files that an index of weights names, all of which lie in its folder.

    Raises:
        BrokenFileError: It is no index, names a file elsewhere, or one that is not there.
    """
    table = index.get("weight_map")
    if not isinstance(table, dict) or not table:
        raise BrokenFileError("the index names no files", where=where)
    names = {name if isinstance(name, str) else "" for name in table.values()}
    here = {file.name for file in folder.glob("*.safetensors")}
    if strange := sorted(names - here):
        raise BrokenFileError(
            f"the index names {strange[0][:80]!r}, which is no weight file in its folder", where=where
        )
    return tuple(folder / name for name in sorted(names))


def _check_numbers(config: Mapping[str, Any], shapes: Mapping[str, tuple[int, ...]], where: str) -> None:
    largest = max((side for shape in shapes.values() for side in shape), default=0)
    for name, value in config.items():
        if any(abs(number) > max(LARGEST, largest) for number in _numbers(value)):
            raise _odd(name, value, where)


def _numbers(value: object) -> tuple[int, ...]:
    """Return the whole numbers in a value, lists within lists included."""
    if type(value) is int:
        return (value,)
    if isinstance(value, list):
        return tuple(number for item in value[:BLOCKS] for number in _numbers(item))
    return ()


def _is_like(default: object, value: object) -> bool:
    """Return whether an argument with this default accepts the value."""
    if value is None or default is None or default is inspect.Parameter.empty:
        return True
    if isinstance(default, bool):
        return isinstance(value, bool | list)
    if isinstance(default, int):
        return type(value) is int or isinstance(value, list)
    if isinstance(default, float):
        return type(value) in {int, float} and math.isfinite(value)  # type: ignore[arg-type]
    if isinstance(default, str):
        return isinstance(value, str)
    return isinstance(value, list | str | int)


def _is_share(value: object) -> bool:
    return type(value) in {int, float} and 0.0 < value <= 1.0  # type: ignore[operator]


def _odd(name: str, value: object, where: str) -> ModelError:
    return ModelError(f"the configuration says {name} = {str(value)[:40]!r}, which cannot be", where=where)
