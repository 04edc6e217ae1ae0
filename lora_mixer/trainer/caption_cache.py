"""Captions as conditioning: encoded once, kept in memory and on disk."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from lora_mixer.conditioning import Conditioner, TextEmbeds
from lora_mixer.prompt import Words

KEPT = 4096
"""Texts in memory, and files: shuffled tags are new texts at every step."""


class CaptionCache:
    """What a text encoder that does not learn says of captions.

    Args:
        conditioner: Encodes.
        key: Names everything but the caption that decides the numbers: the model, and what is computed in.
        device: Where they are wanted.
        folder: Where they are kept; None keeps them in memory alone.
    """

    def __init__(self, conditioner: Conditioner, key: str, device: torch.device, folder: Path | None = None) -> None:
        self._conditioner, self._key, self._device, self._folder = conditioner, key, device, folder
        self._texts: dict[str, TextEmbeds] = {}
        self._files: int | None = None

    def of(self, caption: str) -> TextEmbeds:
        """Return a caption's conditioning."""
        if caption not in self._texts:
            if len(self._texts) >= KEPT:
                self._texts.pop(next(iter(self._texts)))
            self._texts[caption] = self._read(caption) or self._encoded(caption)
        return self._texts[caption]

    def _encoded(self, caption: str) -> TextEmbeds:
        text = self._conditioner.encode((Words(text=caption, weight=1.0),))
        self._keep(caption, text)
        return text

    def _path(self, folder: Path, caption: str) -> Path:
        digest = hashlib.sha256(f"{self._key}\0{caption}".encode()).hexdigest()
        return folder / f"{digest}.safetensors"

    def _read(self, caption: str) -> TextEmbeds | None:
        if self._folder is None:
            return None
        with suppress(OSError, SafetensorError, KeyError):
            kept = load_file(self._path(self._folder, caption), device=str(self._device))
            return TextEmbeds(tokens=kept["tokens"], pooled=kept.get("pooled"))
        return None

    def _keep(self, caption: str, text: TextEmbeds) -> None:
        """Write a text's conditioning; a full disk costs its encoding again, and nothing else."""
        folder = self._folder
        if folder is None:
            return
        with suppress(OSError, SafetensorError):
            folder.mkdir(parents=True, exist_ok=True)
            self._files = len(list(folder.iterdir())) if self._files is None else self._files
            if self._files >= KEPT:
                return
            path = self._path(folder, caption)
            tensors: dict[str, Tensor] = {"tokens": text.tokens.contiguous()}
            if text.pooled is not None:
                tensors["pooled"] = text.pooled.contiguous()
            save_file(tensors, path.with_suffix(".part"))
            path.with_suffix(".part").replace(path)
            self._files += 1
