"""A folder of pictures as what is to be learned: captions, repeats, masks, and what is left out, by name.

Forms read: kohya's folders (`10_name` is repeated ten times; pictures in the folder itself count once), captions in `.txt`
or `.caption` beside a picture, then `captions.jsonl` or `captions.toml` in its folder or the one above (`file`, `caption`),
and a mask beside a picture (`NAME.mask.png`, or `masks/NAME.png`, of any kind of picture; white is learned).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lora_mixer.errors import FileError, MissingFileError
from lora_mixer.trainer.caption_files import CaptionFiles

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".jfif", ".webp", ".bmp", ".avif"})
NOT_READ = frozenset({".gif", ".tif", ".tiff", ".heic", ".heif", ".jxl", ".psd", ".svg", ".apng"})
"""Pictures that somebody may think are learned."""
MASKS = "masks"
MOST_PIXELS = 16384 * 16384 // 4
_REPEATS = re.compile(r"(\d+)_(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A picture to learn from.

    Attributes:
        path: The file.
        caption: What it shows; empty if nothing says so.
        width: In pixels.
        height: In pixels.
        repeats: How often an epoch shows it.
        concept: The folder it is of, without kohya's number.
        mask: A picture whose white part alone is learned; None learns all.
        regularises: Whether it is there to keep what the model knew, with the weight of the prior.
    """

    path: Path
    caption: str
    width: int
    height: int
    repeats: int = 1
    concept: str = ""
    mask: Path | None = None
    regularises: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """What a folder holds to learn from.

    Attributes:
        examples: The pictures, in order of their paths.
        left_out: What cannot be used, by file, and why.
    """

    examples: tuple[Example, ...]
    left_out: Mapping[Path, str]

    @property
    def shown(self) -> int:
        """How many pictures an epoch shows."""
        return sum(example.repeats for example in self.examples)

    def tag_frequency(self, separator: str = ",") -> dict[str, dict[str, int]]:
        """Return how often each tag stands in the captions of each concept: kohya's `ss_tag_frequency`."""
        found: dict[str, Counter[str]] = {}
        for example in self.examples:
            counts = found.setdefault(f"{example.repeats}_{example.concept}", Counter())
            counts.update(tag.strip() for tag in example.caption.split(separator) if tag.strip())
        return {concept: dict(counts.most_common()) for concept, counts in found.items()}

    def folders(self) -> dict[str, dict[str, int]]:
        """Return how many pictures each concept has and how often they are repeated: kohya's `ss_dataset_dirs`."""
        found: dict[str, dict[str, int]] = {}
        for one in self.examples:
            row = found.setdefault(f"{one.repeats}_{one.concept}", {"n_repeats": one.repeats, "img_count": 0})
            row["img_count"] += 1
        return found


def read_dataset(folder: Path, *, regularisation: Path | None = None, smallest: int = 16) -> Dataset:
    """Read a folder of pictures.

    Args:
        folder: Pictures, or kohya's folders of pictures.
        regularisation: Another such folder, whose pictures keep what the model knew.
        smallest: Pictures with a shorter side are left out.

    Raises:
        MissingFileError: There is no such folder.
        ConfigError: A table of captions cannot be read: file, line and what was expected are in the text.
        FileError: The folder cannot be read, or holds no picture that can be used.
    """
    left_out: dict[Path, str] = {}
    examples = list(_Reader(folder, left_out, smallest, apart=regularisation).examples())
    if regularisation is not None:
        examples += _Reader(regularisation, left_out, smallest, regularises=True).examples()
    if not any(not example.regularises for example in examples):
        why = f" ({len(left_out)} cannot be used: {next(iter(left_out.values()))})" if left_out else ""
        raise FileError(
            f"there is no picture to learn from{why}",
            where=str(folder),
            remedy=f"Put {', '.join(sorted(PICTURES))} files there, or into folders like 10_name.",
        )
    return Dataset(examples=tuple(examples), left_out=left_out)


class _Reader:
    """Reads one folder with the folders in it.

    Args:
        folder: Pictures, or folders of pictures.
        left_out: Where it is told what cannot be used.
        smallest: Pictures with a shorter side are left out.
        regularises: Whether they keep what the model knew.
        apart: A folder that may lie within, and is read by itself.
    """

    def __init__(
        self,
        folder: Path,
        left_out: dict[Path, str],
        smallest: int,
        *,
        regularises: bool = False,
        apart: Path | None = None,
    ) -> None:
        self._folder, self._left_out, self._smallest = folder, left_out, smallest
        self._regularises, self._apart = regularises, apart and apart.resolve()

    def examples(self) -> Iterator[Example]:
        """Yield the pictures, in order of their paths within each folder.

        Raises:
            MissingFileError: There is no such folder.
            FileError: It cannot be read.
        """
        folder = self._folder
        if not folder.is_dir():
            raise MissingFileError("there is no such folder of pictures", where=str(folder), remedy="Check the path.")
        try:
            above = CaptionFiles(folder, {})
            yield from self._part(folder, 1, folder.name, above)
            for part in self._folders(folder):
                repeats, concept = _concept(part)
                if not repeats:
                    self._left_out[part] = "its pictures are repeated 0 times"
                    continue
                for deeper in self._folders(part):
                    self._left_out[deeper] = "folders are read one level deep; move its pictures up"
                own = CaptionFiles(part, above.below(part.name))
                yield from self._part(part, repeats, concept, own)
                own.tell_unused(self._left_out)
            above.tell_unused(self._left_out)
        except OSError as error:
            raise FileError(f"the folder cannot be read ({error.strerror})", where=str(folder)) from error

    def _folders(self, folder: Path) -> list[Path]:
        found = (path for path in folder.iterdir() if path.is_dir() and path.name != MASKS)
        return sorted(path for path in found if path.name[0] != "." and path.resolve() != self._apart)

    def _part(self, folder: Path, repeats: int, concept: str, captions: CaptionFiles) -> Iterator[Example]:
        for path in sorted(folder.iterdir()):
            if path.suffix.lower() in NOT_READ:
                self._left_out[path] = f"{path.suffix} files are not read; save it as PNG or JPEG"
            if path.suffix.lower() not in PICTURES or path.stem.endswith(".mask"):
                continue
            caption = captions.of(path, self._left_out)
            size = _size(path, self._smallest, self._left_out)
            if size is not None:
                yield Example(
                    path=path,
                    caption=caption,
                    width=size[0],
                    height=size[1],
                    repeats=repeats,
                    concept=concept,
                    mask=_mask(path, self._left_out),
                    regularises=self._regularises,
                )


def _concept(folder: Path) -> tuple[int, str]:
    """Return how often a folder's pictures are repeated, and what they are of."""
    numbered = _REPEATS.fullmatch(folder.name)
    return (int(numbered[1]), numbered[2]) if numbered and len(numbered[1]) < 6 else (1, folder.name)


def _size(path: Path, smallest: int, left_out: dict[Path, str]) -> tuple[int, int] | None:
    """Return a picture's size by its header; None, with the reason told, if it cannot be used."""
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(0x0112, 1) >= 5  # stored on its side
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        left_out[path] = (
            f"it is no picture that can be read ({str(error).splitlines()[0][:200] if str(error) else error})"
        )
        return None
    if min(width, height) < smallest or width * height > MOST_PIXELS:
        left_out[path] = f"it has {width}x{height} pixels"
        return None
    return (height, width) if turned else (width, height)


def _mask(path: Path, left_out: dict[Path, str]) -> Path | None:
    places = ((path.parent, f"{path.stem}.mask"), (path.parent / MASKS, path.stem))
    for mask in (folder / f"{stem}{ending}" for folder, stem in places for ending in sorted(PICTURES)):
        if mask.is_file():
            if _size(mask, 1, left_out) is not None:
                return mask
            left_out[mask] += "; the picture is learned whole"
            return None
    return None
