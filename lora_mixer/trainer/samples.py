"""Sheets of pictures while a LoRA is trained: the file as it would be written now, rendered as any other LoRA."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from lora_mixer.errors import RequestError
from lora_mixer.images import make_folder
from lora_mixer.mixer import BaseMixer
from lora_mixer.mixes import mix_of
from lora_mixer.pipeline import RenderedImage
from lora_mixer.request import RenderRequest
from lora_mixer.sheet import Labels, Sheet
from lora_mixer.trainer.sample_settings import SampleSettings

SAMPLES = "samples"


class SamplePainter:
    """Paints sheets of a LoRA in training.

    Args:
        mixer: Renders; its model is the one that is trained.
        settings: Which pictures.
        output: The file that is trained; a preview is kept beside it.
        folder: Where sheets go.
    """

    def __init__(self, mixer: BaseMixer, settings: SampleSettings, output: Path, folder: Path) -> None:
        self._mixer, self._settings, self._output, self._folder = mixer, settings, output, folder
        self._rows = [(prompt, mix) for prompt in settings.prompts for mix in ({}, *settings.beside)]

    def check(self) -> None:
        """Refuse other LoRAs that are not there, and impossible pictures, before anything is trained.

        Raises:
            LoraMixerError: As rendering them would.
        """
        for prompt, mix in self._rows:
            self._mixer.resolve(self._request(prompt, mix))

    def paint(self, written: Callable[[Path], None], step: int) -> tuple[Path, Sheet]:
        """Return the sheet after a step, and where it was saved; the model is as before.

        Args:
            written: Writes the LoRA as it is now.
            step: The step.

        Raises:
            FileError: The disk is full.
        """
        make_folder(self._folder)
        current, path = self._folder / f"{self._output.stem}.safetensors", self._folder / f"step-{step:06d}.png"
        written(current)
        try:
            pictures = list(self._mixer.render_many(self._requests(current)))
            sheet = Sheet.of(pictures, columns=len(self._settings.strengths), title=f"step {step}")
            sheet = replace(sheet, labels=self._labels(sheet.labels))
            sheet.save(path)
            self._keep_preview(pictures)
        finally:
            current.unlink(missing_ok=True)
        return path, sheet

    def _keep_preview(self, pictures: list[RenderedImage]) -> None:
        """Put the first prompt's picture at the strength nearest to 1 beside the file, where every program looks."""
        strengths = self._settings.strengths
        best = min(range(len(strengths)), key=lambda column: abs(strengths[column] - 1))
        pictures[best].save(self._output.with_suffix(".preview.png"))

    def _requests(self, current: Path) -> Iterator[RenderRequest]:
        for (prompt, mix), strength in itertools.product(self._rows, self._settings.strengths):
            own = {str(current): strength} if strength else {}
            yield self._request(prompt, {**mix, **own})

    def _request(self, prompt: str, mix: Mapping[str, float]) -> RenderRequest:
        settings = self._settings
        return RenderRequest(
            prompt=prompt,
            negative=settings.negative,
            loras=mix_of(mix),
            steps=settings.steps,
            seed=settings.seed,
            width=settings.width,
            height=settings.height,
            model=self._mixer.model.name,
        )

    def _labels(self, labels: Labels) -> Labels:
        rows = [
            " · ".join([prompt, *(f"{Path(name).stem} {strength:g}" for name, strength in mix.items())])
            for prompt, mix in self._rows
        ]
        columns = tuple(f"{self._output.stem} {strength:g}" for strength in self._settings.strengths)
        return replace(labels, columns=columns, rows=tuple(rows))


def painter_for(
    mixer: BaseMixer | None, settings: SampleSettings | None, output: Path, folder: Path
) -> SamplePainter | None:
    """Return what paints samples, checked; None where none are asked for.

    Raises:
        RequestError: They are asked for, and there is only a model.
        LoraMixerError: A LoRA beside it is not there, or a picture is impossible.
    """
    if settings is None:
        return None
    if mixer is None:
        raise RequestError("samples need a mixer, and this is a model", remedy="Give train the Mixer itself.")
    painter = SamplePainter(mixer, settings, output, folder / SAMPLES)
    painter.check()
    return painter
