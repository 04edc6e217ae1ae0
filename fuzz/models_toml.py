"""Fuzz the reader of models.toml: `python -m fuzz.models_toml --seconds 60`.

Nothing but `ConfigError` may be raised, each with a place and a line that exists, and nothing may take long.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from fuzz.runner import main
from lora_mixer.catalog.read_models import read_models_text
from lora_mixer.errors import ConfigError

SECONDS_AT_MOST = 2.0
TOKENS = tuple(
    text.encode()
    for text in (
        "default", "output", "folders", "loras", "embeddings", "wildcards", "defaults", "models", ".emoji", "location",
        "family", "vae", "dtype", "negative", "steps", "cfg", "sampler", "width", "clip_skip", " = ", "\n[", "]\n",
        "[[", "{", "}", ",", "'", '"', "'''", '"""', "\\", "\\u0000", "\\UFFFFFFFF", "#", "\n", "\r\n", "nan", "-inf",
        "1_0", "0x1F", "1e999", "true", "2026-11-25", "builtin:", "builtin:emoji", "~", "~x/", "../", "/", "owner/name",
    )
)  # fmt: skip


def target(data: bytes) -> bool:
    """Read one text."""
    text = data.decode("utf-8", "replace")
    start = time.monotonic()
    try:
        read_models_text(text, Path("models.toml"), base=Path("/nowhere"))
    except ConfigError as error:
        line = re.search(r"line (\d+)", error.where or "")
        if line is not None and not 1 <= int(line[1]) <= text.count("\n") + 1:
            raise AssertionError(f"no such line: {error.where}") from error
        return False
    finally:
        seconds = time.monotonic() - start
        if seconds > SECONDS_AT_MOST:
            raise AssertionError(f"took {seconds:.1f} s")
    return True


def seeds() -> list[bytes]:
    """Return the file that comes with the program, whole and in pieces."""
    text = Path(__file__).parents[1].joinpath("models.toml").read_text(encoding="utf-8")
    plain = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    examples = re.sub(r"^# (?=\[|\w+ = )", "", text, flags=re.MULTILINE)
    return [text.encode(), plain.encode(), examples.encode(), *(part.encode() for part in plain.split("\n\n"))]


if __name__ == "__main__":
    main("models_toml", target, seeds(), TOKENS)
