"""Run what the documents say, one after the other, in the working folder: commands through the command line, Python as it stands.

Standard input has the snippets as JSON: a list of [kind, text]. Each snippet of Python sees the names of those before it.
"""

from __future__ import annotations

import json
import shlex
import sys
from typing import Any

from lora_mixer_app.cli import build


def run_command(line: str) -> None:
    """Run one line of a console block; the text after `$ `."""
    program, *arguments = shlex.split(line, comments=True)
    if program != "lora-mixer":
        raise ValueError(f"only lora-mixer is run here, not {program}")
    build()(arguments, standalone_mode=False)


def main() -> None:
    """Run all of them; the first that fails ends it."""
    names: dict[str, Any] = {"__name__": "snippets"}
    for kind, text in json.load(sys.stdin):
        print(f"--- {text}", file=sys.stderr, flush=True)  # noqa: T201
        if kind == "console":
            run_command(text)
        else:
            exec(compile(text, "<document>", "exec"), names)


if __name__ == "__main__":
    main()
