"""Make the fonts of labels in `lora_mixer/data/fonts` out of the Noto fonts: subsets, compressed as WOFF2.

    apt-get download fonts-noto-core fonts-noto-cjk     # then unpack both with dpkg-deb -x
    npm pack @fontsource/noto-emoji                     # then unpack it
    python -m pip install fonttools brotli
    python -m training.fonts NOTO_FOLDER CJK_FOLDER EMOJI_WOFF2

All of them are under the SIL Open Font License 1.1, which `lora_mixer/data/fonts/OFL.txt` repeats.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

OUTPUT = Path(__file__).parents[1] / "lora_mixer" / "data" / "fonts"
EUROPE = (
    (0x20, 0x24F),
    (0x250, 0x36F),
    (0x370, 0x52F),
    (0x1E00, 0x1FFF),
    (0x2000, 0x214F),
    (0x2190, 0x2193),
    (0xFFFD, 0xFFFD),
)
SCRIPTS = ("Thai", "Hebrew", "Arabic", "Devanagari")
KANA_AND_FORMS = ((0x3000, 0x30FF), (0x3131, 0x318E), (0xFF01, 0xFFE6))


def common_cjk() -> Iterator[int]:
    """Yield the characters of the national standards: GB 2312, Big5's common part, JIS X 0208 level 1, KS X 1001."""
    for high in range(0xA1, 0xFF):
        for low in range(0xA1, 0xFF):
            pair = bytes((high, low))
            for encoding, wanted in (
                ("gb2312", True),
                ("big5", 0xA4 <= high <= 0xC6),
                ("euc_jp", 0xB0 <= high <= 0xCF),
                ("euc_kr", 0xB0 <= high <= 0xC8),
            ):
                text = pair.decode(encoding, "ignore") if wanted else ""
                yield from (ord(char) for char in text if ord(char) >= 0x2000)
    for high in range(0xA4, 0xC7):
        for low in range(0x40, 0x7F):
            yield from map(ord, bytes((high, low)).decode("big5", "ignore"))


def subset(source: Path, name: str, characters: Iterable[int] | None, *, number: int = 0) -> None:
    """Write the part of a font that has some characters (None: all of them)."""
    target = OUTPUT / f"{name}.woff2"
    listed = "0-10FFFF" if characters is None else ",".join(f"U+{code:04X}" for code in sorted(set(characters)))
    wanted = OUTPUT / ".characters"
    wanted.write_text(listed)
    options = [f"--unicodes-file={wanted}", "--flavor=woff2", f"--font-number={number}", f"--output-file={target}"]
    plain = ["--no-hinting", "--desubroutinize", "--layout-features-=vert,vrt2", "--drop-tables+=vhea,vmtx,VORG"]
    subprocess.run([sys.executable, "-m", "fontTools.subset", source, *options, *plain], check=True)
    wanted.unlink()
    print(f"{target.name}: {target.stat().st_size / 1024:.0f} KB")


def within(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Yield every code from first to last of some ranges."""
    for first, last in ranges:
        yield from range(first, last + 1)


def main() -> None:
    """Make all of them."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("noto", "cjk", "emoji"):
        arguments.add_argument(name, type=Path)
    given = arguments.parse_args()
    OUTPUT.mkdir(exist_ok=True)
    subset(given.noto / "NotoSans-Regular.ttf", "europe", within(EUROPE))
    for script in SCRIPTS:
        subset(given.noto / f"NotoSans{script}-Regular.ttf", script.lower(), None)
    subset(given.cjk / "NotoSansCJK-Regular.ttc", "cjk", [*common_cjk(), *within(KANA_AND_FORMS)], number=2)
    subset(given.emoji, "emoji", None)


if __name__ == "__main__":
    main()
