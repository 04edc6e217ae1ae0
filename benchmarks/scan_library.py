"""How long a library of 5,000 adapters takes to open: the first time, and again. Prints one line.

Run: `python benchmarks/scan_library.py [FILES]`. Each file has the header of a rank-4 LoRA for a small model and
the metadata of a real training (44 KB), copied from the embedded model.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from lora_mixer.catalog import Library

SOURCE = Path(__file__).parents[1] / "lora_mixer" / "data" / "emoji" / "loras"


def main(count: int) -> None:
    """Make a library of links to the embedded adapters' bytes, open it twice, and print both times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_library(folder / "loras", count)
        first, second = seconds_to_open(folder), seconds_to_open(folder)
        print(
            f"scan_library: {count:,} adapters, first start {first[0]:.2f} s ({first[1]:.2f} s of one core), "
            f"second start {second[0]:.2f} s ({second[1]:.2f} s of one core)"
        )


def make_library(folder: Path, count: int) -> None:
    """Write `count` adapter files in folders of 100; hard links, so that they take no room."""
    originals = sorted(SOURCE.glob("*.safetensors"))
    folder.mkdir()
    copies = [Path(shutil.copy(path, folder.parent)) for path in originals]
    for number in range(count):
        original = copies[number % len(copies)]
        place = folder / f"{number // 100:03}"
        place.mkdir(exist_ok=True)
        (place / f"{original.stem}_{number:05}.safetensors").hardlink_to(original)


def seconds_to_open(folder: Path) -> tuple[float, float]:
    """Return the (wall, processor) seconds it takes to open the library with the cache on disk."""
    start, start_of_work = time.perf_counter(), time.process_time()
    library = Library([folder / "loras"], cache=folder / "library.sqlite")
    seconds = time.perf_counter() - start, time.process_time() - start_of_work
    assert library.entries
    assert not library.broken
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
