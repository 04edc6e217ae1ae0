"""A mixer that lives long keeps what it had after twenty pictures, and says at once what it cannot do in a fork."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from lora_mixer import LoraMixerError, Mixer
from lora_mixer.blend.merge import BUDGET_MB, budget_mb
from lora_mixer.errors import RequestError
from lora_mixer.mixer.turn import Turn

STATM = Path("/proc/self/statm")
MEBIBYTE = 2**20
WARM, PICTURES = 20, 60
linux = pytest.mark.skipif(not STATM.exists(), reason="memory is read as Linux tells it")
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def resident() -> float:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MEBIBYTE


@linux
def test_pictures_with_a_mix_each_do_not_fill_the_memory() -> None:
    """What grew was the merged weights of earlier mixes: a model's worth for each picture."""
    mixer = Mixer.open(dtype="float32", engine="merged")
    wishes = [f"cat <lora:line_art:{0.001 * n:.3f}> <lora:night_sky:{1 - 0.001 * n:.3f}>" for n in range(PICTURES)]
    for number, wish in enumerate(wishes):
        mixer.render(wish, seed=7, steps=1, width=64, height=64)
        if number == WARM:
            before = resident()
    model = sum(p.nbytes for part in mixer.model.parts.values() for p in part.parameters()) / MEBIBYTE
    assert resident() - before < 3 * model


def test_the_budget_is_a_part_of_the_model_and_of_free_memory() -> None:
    assert budget_mb(model=60 * MEBIBYTE, free=None) == 120
    assert budget_mb(model=60 * MEBIBYTE, free=80 * MEBIBYTE) == 10
    assert budget_mb(model=9000 * MEBIBYTE, free=64_000 * MEBIBYTE) == BUDGET_MB


@pytest.mark.parametrize("said", [0, 7])
def test_a_budget_may_be_said_in_python_and_in_models_toml(said: int, tmp_path: Path) -> None:
    assert Mixer.open(dtype="float32", merge_cache_mb=said).loaded.merged.budget_mb == said
    (tmp_path / "models.toml").write_text(f'merge_cache_mb = {said}\n[models.emoji]\nlocation = "builtin:emoji"\n')
    assert Mixer.open(models_file=tmp_path / "models.toml", dtype="float32").loaded.merged.budget_mb == said
    with pytest.raises(RequestError, match="merge_cache_mb"):
        Mixer.open(merge_cache_mb=-1)


@forks
def test_a_mixer_in_a_fork_of_its_process_is_refused_at_once(mixer: Mixer) -> None:
    mixer.render("cat", steps=1, width=64, height=64)
    sys.stdout.flush()
    child = os.fork()
    if child == 0:  # no way back into pytest from here
        signal.alarm(20)
        refused = 0
        for use in (lambda: mixer.render("cat", steps=1), lambda: mixer.resolve("cat"), lambda: Mixer.open()):
            try:
                use()
            except LoraMixerError as error:
                refused += "fork" in str(error) and "spawn" in str(error)
        os._exit(0 if refused == 3 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@forks
def test_a_turn_that_another_thread_has_is_not_waited_for_in_a_fork() -> None:
    turn = Turn()
    with turn:
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            try:
                with turn:
                    os._exit(1)
            except LoraMixerError:
                os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
