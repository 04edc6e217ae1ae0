"""One cache for all runs, with the costs of a machine in it.

Two plans of the same jobs then choose the same engine, however busy the machine is while they are made.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lora_mixer.apply.calibration import FILE_NAME

VARIABLE = "LORA_MIXER_CACHE"
COSTS = {
    "merge": {"module": 3e-5, "element": 3e-10, "product": 2e-11},
    "side": {"module": 1.5e-5, "element": 3e-10, "product": 2e-10},
}


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    keys = (f"cpu, {torch.float32}, {threads} threads, torch {torch.__version__}" for threads in range(1, 65))
    (folder / FILE_NAME).write_text(json.dumps(dict.fromkeys(keys, COSTS)))
    return folder


@pytest.fixture(scope="module", autouse=True)
def cache_of_what_a_module_shares(shared_cache: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(shared_cache))
        yield


@pytest.fixture(autouse=True)
def cache_of_a_test(clean_surroundings: None, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(shared_cache))
