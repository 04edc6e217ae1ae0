"""A mixing desk for LoRAs: text to image with Stable Diffusion, several LoRAs at once, each with its strength.

>>> from lora_mixer import Mixer, RenderRequest
>>> mixer = Mixer.open()  # the embedded model, unless models.toml says otherwise
>>> picture = mixer.render("red heart <lora:line_art:0.8>", seed=7, steps=2)
>>> picture.image.mode
'RGB'

Importing this package imports next to nothing, so that `--help` answers at once; each name brings its room on first use, and
`Mixer` brings torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lora_mixer.renamed import install
from lora_mixer.version import __version__ as __version__
from lora_mixer.waiting import uncollected

if TYPE_CHECKING:
    from lora_mixer.api import Mixer
    from lora_mixer.cancel import Cancel
    from lora_mixer.errors import LoraMixerError
    from lora_mixer.hires import Hires
    from lora_mixer.mixer import Progress, RenderedImage, RenderJob
    from lora_mixer.mixes import Curve, ElementWeight, LoraUse, Mix, Strength
    from lora_mixer.places import DrawnMask, Rectangle
    from lora_mixer.regions import Region
    from lora_mixer.render_options import RenderOptions
    from lora_mixer.request import ModelSource, RenderRequest
    from lora_mixer.sheet import Sheet

__all__ = [
    "Cancel",
    "Curve",
    "DrawnMask",
    "ElementWeight",
    "Hires",
    "LoraMixerError",
    "LoraUse",
    "Mix",
    "Mixer",
    "ModelSource",
    "Progress",
    "Rectangle",
    "Region",
    "RenderJob",
    "RenderOptions",
    "RenderRequest",
    "RenderedImage",
    "Sheet",
    "Strength",
]

install()

_ROOMS = {
    "api": ("Mixer",),
    "cancel": ("Cancel",),
    "errors": ("LoraMixerError",),
    "hires": ("Hires",),
    "mixer": ("Progress", "RenderJob", "RenderedImage"),
    "mixes": ("Curve", "ElementWeight", "LoraUse", "Mix", "Strength"),
    "places": ("DrawnMask", "Rectangle"),
    "regions": ("Region",),
    "render_options": ("RenderOptions",),
    "request": ("ModelSource", "RenderRequest"),
    "sheet": ("Sheet",),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}
"""Public name -> the room it comes from, imported on first use."""


def __getattr__(name: str) -> object:
    """Import a public name on first use, and keep it.

    Raises:
        AttributeError: There is no such name.
    """
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'lora_mixer' has no attribute {name!r}")
    with uncollected():
        room = import_module(f"lora_mixer.{_ROOM_OF[name]}")
    found = globals()[name] = getattr(room, name)
    return found


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
