"""From a picture's settings to its passes: what each starts from, and its settings as those of a picture of its own."""

from __future__ import annotations

from collections.abc import Iterator

from lora_mixer.mixer.second_pass import second_pass
from lora_mixer.pipeline import FromNoise, FromPassBefore, Start
from lora_mixer.request import Settings


def starts_of(settings: Settings) -> Iterator[tuple[Start, Settings]]:
    """Yield what each pass starts from, and its settings."""
    yield FromNoise(), settings
    if settings.hires is not None:
        yield FromPassBefore(hires=settings.hires), second_pass(settings, settings.hires)
