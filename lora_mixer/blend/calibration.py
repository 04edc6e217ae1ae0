"""The costs of this machine, measured once in a fraction of a second and kept in the cache folder.

The file is `costs.json`: costs by device, dtype, threads and version of torch. Without a writable
folder the measurement lasts for the process. On a CPU the clock is this thread's processor time, so other programs do
not disturb it. Implausible costs are measured once more, then replaced by typical ones.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import NamedTemporaryFile

import torch
from torch.nn import functional as F  # noqa: N812

from lora_mixer.adapters import LayerOp, LowRank, Weights, make_layer
from lora_mixer.blend.costs import TYPICAL, Cost, Costs
from lora_mixer.blend.linear_sum import join, merge
from lora_mixer.blend.low_rank_kernel import LowRankKernel
from lora_mixer.blend.stack import Term
from lora_mixer.catalog.store import default_cache
from lora_mixer.kernels import shortest

FILE_NAME = "costs.json"
TINY, WIDE = 32, 1024  # channels
THIN, THICK = 8, 64  # ranks
PLACES = 1024
CLOCK = time.perf_counter if sys.platform == "win32" else time.thread_time
"""This thread's processor time; on Windows its resolution is 16 ms."""
TRIES = 3
FAR = 100.0
"""A plausible cost is within this factor of `TYPICAL`."""
_log = logging.getLogger(__name__)
_measured: dict[tuple[str, Path | None], Costs] = {}


def costs_of(device: torch.device, dtype: torch.dtype) -> Costs:
    """Return what the engines cost on this machine, from memory, from the cache folder or by measuring."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    key = f"{name}, {dtype}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    cache = default_cache()
    file = None if cache is None else cache.parent / FILE_NAME
    if (key, file) not in _measured:
        kept = {} if file is None else _read(file)
        if key not in kept or not plausible(kept[key], device):
            kept[key] = _believed(device, dtype)
            if file is not None:
                _write(file, kept)
        _measured[key, file] = kept[key]
    return _measured[key, file]


def _believed(device: torch.device, dtype: torch.dtype) -> Costs:
    """Return the first plausible measurement, or typical costs if there is none."""
    measured = (measure(device, dtype) for _ in range(TRIES))
    found = next((costs for costs in measured if plausible(costs, device)), None)
    if found is None:
        _log.warning("the costs of the engines could not be measured on %s: typical ones are taken", device)
    return found or TYPICAL


def plausible(costs: Costs, device: torch.device) -> bool:
    """Return whether these costs are plausible: all positive and, for a CPU, near the typical ones."""
    pairs = [
        (value, typical, field)
        for cost, usual in zip(costs, TYPICAL, strict=True)
        for value, typical, field in zip(cost, usual, Cost._fields, strict=True)
    ]
    if not all(math.isfinite(value) and value > 0 for value, _, _ in pairs):
        return False
    near = (typical / FAR < value < typical * FAR for value, typical, field in pairs if _is_bounded(field, device))
    return all(near)


def _is_bounded(field: str, device: torch.device) -> bool:
    return field == "module" or device.type == "cpu"


@torch.no_grad()
def measure(device: torch.device, dtype: torch.dtype) -> Costs:
    """Time both engines on a small layer, and on a large one with few and with many ranks."""
    clock = CLOCK if device.type == "cpu" else time.perf_counter  # a thread that waits for its GPU takes no time
    return Costs(
        merge=_fitted(lambda width, rank: _merge(width, rank, device, dtype), lambda width: width * width, 1, clock),
        side=_fitted(lambda width, rank: _side(width, rank, device, dtype), lambda width: PLACES * width, 2, clock),
    )


def _fitted(
    task: Callable[[int, int], Callable[[], object]],
    elements: Callable[[int], int],
    per_rank: int,
    clock: Callable[[], float],
) -> Cost:
    """Return the line through three points; products = elements x ranks x `per_rank`."""
    points = ((TINY, THIN), (WIDE, THIN), (WIDE, THICK))
    small, thin, thick = (shortest(task(width, rank), clock) for width, rank in points)
    touched = elements(WIDE)
    product = max(thick - thin, 0.0) / (touched * per_rank * (THICK - THIN))
    element = max(thin - small - product * touched * per_rank * THIN, 0.0) / touched
    return Cost(small, element, product)


def _merge(width: int, rank: int, device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
    base = Weights(torch.ones(width, width, device=device, dtype=dtype), None)
    layer = make_layer({"up": torch.ones(width, rank), "down": torch.ones(rank, width)}, (width, width), None)
    terms = (Term("", 0.5, layer),)
    joined = join(base, terms)
    spare = merge(base, terms, joined=joined)
    return lambda: merge(base, terms, joined=joined, spare=spare)


def _side(width: int, rank: int, device: torch.device, dtype: torch.dtype) -> Callable[[], object]:
    def ones(*shape: int) -> torch.Tensor:
        return torch.ones(*shape, device=device, dtype=dtype)

    x = ones(1, PLACES if width == WIDE else 1, width)
    operator = LayerOp(run=F.linear, weight=ones(1, width), bias=None)
    term, strengths = (
        LowRankKernel(low=LowRank(down=ones(rank, width), up=ones(width, rank)), by_place=True),
        torch.zeros(1, rank, device=device, dtype=dtype),
    )
    return lambda: term.added(x, x, operator, strengths)


def _read(file: Path) -> dict[str, Costs]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {key: Costs(_cost(row["merge"]), _cost(row["side"])) for key, row in content.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        _log.info("%s is not read: %s", file, error)
        return {}


def _cost(row: dict[str, object]) -> Cost:
    return Cost(*(float(str(row[field])) for field in Cost._fields))


def _write(file: Path, costs: dict[str, Costs]) -> None:
    rows = {key: {"merge": value.merge._asdict(), "side": value.side._asdict()} for key, value in costs.items()}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=file.parent, prefix=FILE_NAME, delete=False, encoding="utf-8") as draft:
            json.dump(rows, draft, indent=1)
        Path(draft.name).replace(file)
    except OSError as error:
        _log.info("%s is not written: %s", file, error)
