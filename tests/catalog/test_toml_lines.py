"""Every key that tomllib sees has the line it stands on."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from lora_mixer.catalog.toml_lines import line_of

VALUES = [
    "1",
    "'#'",
    '""',
    '"]"',
    '"no \\n \\" ["',
    "'''\nk1 = 2\n'''",
    '"""\n[k2]\n\\"""" ',
    "[\n 1, # [\n 2]",
    "{ k8 = 1, k9 = '}' }",
    "[[1], [2]]",
]


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[tuple[str, ...], int]]:
    """A TOML text with unique keys, and the line of each."""
    lines: list[str] = []
    places: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number in range(draw(st.integers(1, 8))):
        key = f"key{number}"
        at = sum(line.count("\n") + 1 for line in lines) + 1
        kind = draw(st.sampled_from(["header", "pair", "dotted", "quoted", "comment"]))
        if kind == "comment":
            lines.append(draw(st.sampled_from(["", "# a = 1", "   # [", "#'"])))
        elif kind == "header":
            table = (f"table{number}", "in ner")
            places[table] = at
            lines.append(f"[ table{number} . 'in ner' ] # x = 1")
        elif kind == "dotted":
            places[(*table, key, "sub")] = at
            lines.append(f"{key} . sub = {draw(st.sampled_from(VALUES))}")
        else:
            name = f"{key} [name]\n=" if kind == "quoted" else key
            places[(*table, name)] = at
            spelled = f'"{key} [name]\\n="' if kind == "quoted" else key
            lines.append(f"  {spelled}={draw(st.sampled_from(VALUES))}  # '")
    return "\n".join(lines), places


@given(documents())
def test_every_key_is_found_on_its_line(document):
    text, places = document
    parsed: Any = tomllib.loads(text)
    for path, line in places.items():
        value = parsed
        for part in path:
            value = value[part]
        assert line_of(text, path) == line
        assert line_of(text, (*path, 0, "deeper")) == line


def test_a_path_that_is_not_there_is_at_the_nearest_thing_around_it():
    assert line_of("a = 1\n[b]\nc = 2\n", ("b", "d", "e")) == 2
    assert line_of("a = 1\n", ("x",)) == 1
    assert line_of("", ("x",)) == 1
