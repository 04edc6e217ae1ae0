"""Files of torch.save without torch and without unpickling: what they say of themselves is read, checked, and used."""

from __future__ import annotations

from lora_mixer.files.pickles.opening import PickledFile, open_pickled_file
from lora_mixer.files.pickles.words import PickledTensor as PickledTensor

__all__ = ["PickledFile", "PickledTensor", "open_pickled_file"]
