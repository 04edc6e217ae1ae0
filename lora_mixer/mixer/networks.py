"""The networks that a picture's settings name to enlarge it: found, digested, and opened before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from lora_mixer.catalog import UpscalerLibrary
from lora_mixer.choices import OWN, find_picture_upscaler, find_upscaler
from lora_mixer.errors import MissingFileError, RequestError
from lora_mixer.files import digest_file, sealed
from lora_mixer.models import Model
from lora_mixer.pipeline import UpscalerUse
from lora_mixer.request import RenderRequest, Settings

LANCZOS = "Lanczos"


class Networks(NamedTuple):
    """The networks of a picture: what enlarges between its passes, and what enlarges it at the end."""

    between: UpscalerUse | None = None
    last: UpscalerUse | None = None


NO_NETWORKS = Networks()


@dataclass(frozen=True, slots=True, kw_only=True)
class UpscalerFinder:
    """Finds upscalers by name.

    Attributes:
        library: The folders' files.
        own: The file of the model's own network, if it has one.
        model: What the model is called.
    """

    library: UpscalerLibrary
    own: Path | None
    model: str

    @classmethod
    def of(cls, library: UpscalerLibrary, model: Model) -> UpscalerFinder:
        """Return the finder of an open model."""
        return cls(library=library, own=model.upscaler, model=model.name)

    def default(self, upscale: float) -> str | None:
        """Return what enlarges a finished picture where nobody says: the model's own network, else Lanczos."""
        if upscale == 1:
            return None
        return OWN if self.own is not None else LANCZOS

    def settled(self, settings: Settings) -> tuple[Settings, Networks]:
        """Return the settings with the networks' names as they are spelt here, and the networks.

        Raises:
            RequestError: The model has no network of its own, or an upscaler of latents is asked for a finished picture.
            FileError: There is no such upscaler; the nearest is in the text.
        """
        name, hires = settings.upscaler, settings.hires
        last = None if settings.upscale == 1 or name is None else self._network(find_picture_upscaler(name).name)
        between = None if hires is None else self._network(hires.upscaler)
        if hires is not None and between is not None:
            settings = replace(settings, hires=replace(hires, upscaler=between.name))
        if name is not None:
            plain = None if settings.upscale == 1 else find_picture_upscaler(name).name
            settings = replace(settings, upscaler=plain if last is None else last.name)
        return settings, Networks(between, last)

    def _network(self, name: str) -> UpscalerUse | None:
        upscaler = find_upscaler(name)
        if not upscaler.network:
            return None
        called, path = (OWN, self._own()) if upscaler.name == OWN else self.library.find(name)
        seal = sealed(path)
        if seal is None:
            raise MissingFileError(
                "the upscaler is not there", where=str(path), remedy="Put it back, or choose another upscaler."
            )
        return UpscalerUse(name=called, sha256=digest_file(path).sha256, seal=seal)

    def _own(self) -> Path:
        if self.own is None:
            raise RequestError(
                f"the model {self.model} has no upscaler of its own",
                remedy="Choose another: Lanczos, or a file's name.",
            )
        return self.own


def idle_upscaler(asked: RenderRequest, settings: Settings) -> Iterator[str]:
    """Yield what a request says of enlarging that does nothing."""
    if asked.upscaler is not None and settings.upscale == 1:
        yield "upscaler has no effect without upscale"
