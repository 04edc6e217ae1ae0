"""Threads: as many as help, and asleep while they wait."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from lora_mixer import Mixer
from lora_mixer.errors import RequestError
from lora_mixer.mixer import rerender
from lora_mixer.models import helpful_threads, using_threads
from lora_mixer.models.threads import SMALL, VARIABLES
from lora_mixer.waiting import OWN, PASSIVE, wait_passively


@pytest.fixture
def nobody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def denoiser(parameters: int) -> nn.Module:
    with torch.device("meta"):
        return nn.Linear(parameters, 1, bias=False)


def test_threads_sleep_while_they_wait_unless_somebody_chose() -> None:
    environment: dict[str, str] = {}
    wait_passively(environment)
    assert environment == PASSIVE
    for name in OWN:
        chosen = {name: "ACTIVE"}
        wait_passively(chosen)
        assert chosen == {name: "ACTIVE"}


def test_a_command_chooses_before_torch_is_loaded() -> None:
    program = (
        "import os, sys, lora_mixer_app.cli as cli; sys.argv = ['lora-mixer', '--version']\n"
        "try: cli.main()\nexcept SystemExit: pass\nprint(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"
    )
    environment = {"PATH": "", "PYTHONPATH": ":".join(sys.path)}
    told = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.split()[-2:] == ["PASSIVE", "False"]


@pytest.mark.usefixtures("nobody_chose")
def test_a_small_denoiser_is_computed_on_one_thread_and_a_large_one_on_all(monkeypatch: pytest.MonkeyPatch) -> None:
    with using_threads(3):
        assert helpful_threads(denoiser(SMALL - 1)) == 1
        assert helpful_threads(denoiser(SMALL)) == 3
        monkeypatch.setenv("OMP_NUM_THREADS", "3")
        assert helpful_threads(denoiser(SMALL - 1)) == 3


def test_the_record_says_how_many_threads_it_was_and_a_rerender_takes_as_many() -> None:
    before = torch.get_num_threads()
    mixer = Mixer.open(threads=2, dtype="float32")
    picture = mixer.render("cat", seed=7, steps=1)
    assert picture.record.threads == 2
    assert torch.get_num_threads() == before
    mixer = Mixer.open(threads=1, dtype="float32")
    again = rerender(mixer, picture.record)
    assert again.record.threads == 2
    assert np.array_equal(np.asarray(again.image), np.asarray(picture.image))
    assert mixer.loaded.defaults.threads == 1


@pytest.mark.usefixtures("nobody_chose")
def test_the_embedded_model_takes_one_thread() -> None:
    assert Mixer.open(dtype="float32").loaded.defaults.threads == 1


def test_no_threads_are_refused() -> None:
    with pytest.raises(RequestError, match="threads"):
        Mixer.open(threads=0)
