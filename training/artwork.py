"""Fetch the artwork packages, check their licences, and render the emoji to pixels.

The pictures come from Iconify's npm packages: one JSON of SVG bodies a set, with a machine-readable licence beside it.
A set whose licence is not on `ALLOWED_LICENCES` is refused before anything is drawn.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image

from training.paths import DOWNLOADS
from training.progress import report
from training.subjects import Emoji, read_emoji, subject_ids

SIZE = 128
"""Edge of every rendered picture, in pixels."""

ALLOWED_LICENCES = frozenset({"Apache-2.0", "CC-BY-4.0", "MIT"})
"""SPDX names of artwork that may be trained on and redistributed as weights. Share-alike licences are not here."""

LABELS = ("emojibase-data", "17.0.0")
"""The npm package with the names, tags and groups of all emoji (MIT)."""


class LicenceError(RuntimeError):
    """An artwork package says a licence that is not allowed here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtworkSet:
    """One set of emoji artwork and the npm package it comes from."""

    name: str
    package: str
    version: str
    names_from: str
    """The set whose ``chars.json`` maps code points to icon names (Fluent's colour set ships an empty one)."""


SETS = (
    ArtworkSet(name="noto", package="@iconify-json/noto", version="1.2.9", names_from="noto"),
    ArtworkSet(name="twemoji", package="@iconify-json/twemoji", version="1.2.5", names_from="twemoji"),
    ArtworkSet(
        name="fluent-flat", package="@iconify-json/fluent-emoji-flat", version="1.2.6", names_from="fluent-flat"
    ),
    ArtworkSet(name="fluent", package="@iconify-json/fluent-emoji", version="1.2.7", names_from="fluent-flat"),
)


def fetch_package(package: str, version: str, folder: Path = DOWNLOADS / "npm") -> Path:
    """Download and unpack one npm package, unless it is there already, and return its folder."""
    target = folder / f"{package.replace('@', '').replace('/', '-')}-{version}"
    if (target / "package.json").exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    npm = shutil.which("npm")
    if npm is None:
        raise FileNotFoundError("npm is needed to fetch the artwork packages: install Node.js, or unpack them by hand")
    archive = folder / f"{target.name}.tgz"
    if not archive.exists():
        subprocess.run([npm, "pack", f"{package}@{version}"], cwd=folder, check=True, capture_output=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder / f"{target.name}.part", filter="data")
    (folder / f"{target.name}.part" / "package").rename(target)
    return target


def check_licence(info: dict[str, Any]) -> str:
    """Return the SPDX name in an Iconify ``info.json``, or refuse the set.

    >>> check_licence({"name": "Noto Emoji", "license": {"spdx": "Apache-2.0"}})
    'Apache-2.0'
    """
    spdx = str(info.get("license", {}).get("spdx", "unknown"))
    if spdx not in ALLOWED_LICENCES:
        allowed = ", ".join(sorted(ALLOWED_LICENCES))
        raise LicenceError(f"{info.get('name', 'This set')} is under {spdx}; only {allowed} may be used")
    return spdx


def render_svg(body: str, width: int, height: int, size: int = SIZE) -> NDArray[np.uint8]:
    """Draw one SVG body on a transparent canvas: returns (size, size, 4) RGBA, premultiplied nowhere."""
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="0 0 {width} {height}">{body}</svg>'
    )
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(bytes(png))).convert("RGBA"))


def icon_bodies(artwork: ArtworkSet) -> tuple[dict[str, str], tuple[int, int], dict[str, str]]:
    """Return the SVG bodies by icon name, their canvas (width, height), and icon names by code point."""
    package = fetch_package(artwork.package, artwork.version)
    check_licence(json.loads((package / "info.json").read_text()))
    icons = json.loads((package / "icons.json").read_text())
    bodies = {name: str(icon["body"]) for name, icon in icons["icons"].items()}
    for name, alias in icons.get("aliases", {}).items():
        bodies.setdefault(name, bodies.get(alias["parent"], ""))
    named = next(other for other in SETS if other.name == artwork.names_from)
    chars = json.loads((fetch_package(named.package, named.version) / "chars.json").read_text())
    canvas = (int(icons.get("width", 16)), int(icons.get("height", 16)))
    return bodies, canvas, chars


def render_set(artwork: ArtworkSet, emoji: list[Emoji], size: int = SIZE) -> NDArray[np.uint8]:
    """Draw every emoji of the list in one artwork set: (N, size, size, 4); a missing one stays fully transparent."""
    bodies, (width, height), chars = icon_bodies(artwork)
    pictures = np.zeros((len(emoji), size, size, 4), np.uint8)
    missing = 0
    for row, one in enumerate(emoji):
        name = next((chars[code] for code in one.code_points() if code in chars), "")
        if bodies.get(name):
            pictures[row] = render_svg(bodies[name], width, height, size)
        else:
            missing += 1
    report("data", f"{artwork.name}: {len(emoji) - missing} pictures, {missing} missing")
    return pictures


def render_sets(names: Iterable[str], size: int = SIZE) -> None:
    """Render some sets into ``training/work/artwork``, one row an emoji, in the order of `read_emoji`, unless they are there."""
    emoji = load_emoji()
    for artwork in SETS:
        target = _path(artwork.name, size)
        if artwork.name in names and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            unfinished = target.with_name("part.npy")
            np.save(unfinished, render_set(artwork, emoji, size))
            unfinished.rename(target)


def _path(name: str, size: int) -> Path:
    return DOWNLOADS / "artwork" / (f"{name}.npy" if size == SIZE else f"{name}-{size}.npy")


def main() -> None:
    """Render all sets at the model's size."""
    render_sets([artwork.name for artwork in SETS])
    emoji = load_emoji()
    report("data", f"{len(emoji)} emoji, {len(subject_ids(emoji))} subjects")


def load_emoji() -> list[Emoji]:
    """Every emoji that is drawn, in a fixed order."""
    return read_emoji(fetch_package(*LABELS))


def load_pictures(name: str, size: int = SIZE) -> NDArray[np.uint8]:
    """The rendered pictures of one set, (N, size, size, 4) RGBA, memory-mapped."""
    pictures: NDArray[np.uint8] = np.load(_path(name, size), mmap_mode="r")
    return pictures


if __name__ == "__main__":
    main()
