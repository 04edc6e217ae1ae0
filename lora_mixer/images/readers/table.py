"""The programs whose pictures are read, as a table: the first that says it is its own is it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lora_mixer.images.budget import Budget
from lora_mixer.images.containers import PictureTexts
from lora_mixer.images.readers import (
    a1111,
    civitai,
    comfyui,
    drawthings,
    easy_diffusion,
    fooocus,
    invokeai,
    novelai,
    ruined_fooocus,
    spaces,
    swarmui,
)
from lora_mixer.images.readers.draft import ReaderResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """How the pictures of a program, or of a family of them, are read.

    Attributes:
        source: What the program is called.
        programs: The programs, as people know them.
        where: Where in the file the settings lie.
        read: From texts to what they say; None if the picture is another's.
    """

    source: str
    programs: str
    where: str
    read: Callable[[PictureTexts, Budget], ReaderResult | None]


READERS = (
    Reader(source="swarmui", programs="SwarmUI", where="`parameters`, EXIF, pixels: JSON", read=swarmui.read),
    Reader(source="ruined-fooocus", programs="RuinedFooocus", where="`parameters`: JSON", read=ruined_fooocus.read),
    Reader(source="fooocus", programs="Fooocus, Fooocus-MRE", where="`parameters`, EXIF: JSON", read=fooocus.read),
    Reader(
        source="civitai",
        programs="Civitai's generator",
        where="EXIF: a ComfyUI graph with `extraMetadata`",
        read=civitai.read,
    ),
    Reader(source="novelai", programs="NovelAI", where="`Comment`, EXIF, pixels: JSON", read=novelai.read),
    Reader(
        source="invokeai",
        programs="InvokeAI 1 to 6",
        where="`invokeai_metadata`, `sd-metadata`, `Dream`",
        read=invokeai.read,
    ),
    Reader(
        source="easy-diffusion",
        programs="Easy Diffusion",
        where="a chunk a setting, EXIF: JSON",
        read=easy_diffusion.read,
    ),
    Reader(
        source="diffusers",
        programs="Hugging Face spaces over diffusers",
        where="`metadata`, `parameters`: JSON",
        read=spaces.read,
    ),
    Reader(source="draw-things", programs="Draw Things", where="XMP's comment: JSON", read=drawthings.read),
    Reader(
        source="a1111",
        programs="A1111, Forge, SD.Next, Civitai, Fooocus in this form",
        where="`parameters`, EXIF, JPEG's comment, pixels: text",
        read=a1111.read,
    ),
    Reader(source="comfyui", programs="ComfyUI", where="`prompt`, `workflow`, EXIF: a graph", read=comfyui.read),
)
