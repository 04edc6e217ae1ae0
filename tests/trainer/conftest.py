"""The embedded model as the trainer takes it: plain."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import lora_mixer
from lora_mixer.models import Model
from lora_mixer.models.folder import open_folder


@pytest.fixture(scope="module")
def plain_model() -> Model:
    """The embedded model without kernels."""
    folder = Path(lora_mixer.__file__).parent / "data" / "emoji" / "model"
    return open_folder(folder, name="emoji", dtype=torch.float32)
