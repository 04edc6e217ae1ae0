"""JSON on standard output, whatever alphabet it is in."""

from __future__ import annotations

import codecs
import json
import sys


def print_json(value: object) -> None:
    """Print a value as JSON: characters as they are where the output takes all of them, else as JSON's escapes."""
    whole = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    print(json.dumps(value, indent=2, ensure_ascii=not whole))  # noqa: T201
