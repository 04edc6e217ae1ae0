"""The settings as tables of the documents, between marks that name them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from lora_mixer.settings.kinds import TableName
from lora_mixer.settings.picture import PICTURE
from lora_mixer.settings.second_pass import SECOND_PASS
from lora_mixer.settings.setting import Setting, Table

_MARKED = re.compile(r"(<!-- settings: (?P<name>[\w-]+) -->\n)(?P<table>.*?)(<!-- end -->)", re.DOTALL)


def written(document: str) -> str:
    """Return a document with its tables of settings as the settings are now."""
    return _MARKED.sub(lambda match: f"{match[1]}{PAGES[match['name']]()}{match[4]}", document)


def picture() -> str:
    """Return the table of a picture's settings: what they are, and what they are called everywhere."""
    head = ("setting", "what it is", "values", "if left out", "option", "in lines", "infotext")
    rows = [
        (
            f"`{row.name}`",
            row.explained,
            _values(row),
            _default(row),
            f"`{row.flag}`" if row.flag else _OTHER_OPTION.get(row.name, ""),
            f"`{row.key_in_lines}`" if row.key_in_lines else "",
            row.infotext or _OTHER_INFOTEXT.get(row.name, ""),
        )
        for row in PICTURE
    ]
    return _table(head, rows)


def second_pass() -> str:
    """Return the table of a second pass's settings."""
    head = ("field", "what it is", "values", "if left out", "infotext")
    return _table(
        head,
        [
            (f"`{row.name}`", row.explained, _values(row), _default(row, "the first pass's"), row.infotext or "")
            for row in SECOND_PASS
        ],
    )


def models_file() -> str:
    """Return the table of what `[defaults]` of models.toml may say."""
    rows = [row for row in PICTURE if row.in_models_file and row.scalar]
    return _table(
        ("key", "what it is", "value", "left out"),
        [(f"`{row.name}`", row.explained, _values(row), _default(row)) for row in rows],
    )


def axes() -> str:
    """Return the table of what may vary along an axis."""
    names = [row.plural for row in PICTURE if row.axis and row.plural]
    return _table(
        ("what varies", "its names"),
        [
            ("a picture's settings", _names(PICTURE)),
            ("a second pass's settings", _names(SECOND_PASS, "hires_")),
            ("plurals that mean the same", ", ".join(f"`{name}`" for name in names)),
        ],
    )


def _names(table: Table, prefix: str = "") -> str:
    return ", ".join(f"`{prefix}{row.name}`" for row in table if row.axis and row.scalar)


def _values(row: Setting) -> str:
    kind = row.kind
    if isinstance(kind, TableName) and kind.few:
        return ", ".join(f"`{name}`" for name in (*kind.names, *kind.also))
    return kind.range


def _default(row: Setting, otherwise: str = "") -> str:
    if row.by_model:
        return "the model's own"
    if row.default in (None, "", ()):
        return otherwise
    return f"{row.default:g}" if isinstance(row.default, float) else str(row.default)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(lines_of)} |\n" for lines_of in lines)


_OTHER_OPTION: Mapping[str, str] = MappingProxyType(
    {"prompt": "the argument", "loras": "`--lora`", "styles": "`--style`", "width": "`--size`", "height": "`--size`"}
)
_OTHER_INFOTEXT: Mapping[str, str] = MappingProxyType(
    {
        "prompt": "the first lines",
        "negative": "Negative prompt",
        "loras": "tags in the prompt",
        "width": "Size",
        "height": "Size",
    }
)
PAGES: Mapping[str, Callable[[], str]] = MappingProxyType(
    {"picture": picture, "second-pass": second_pass, "models-toml": models_file, "axes": axes}
)
"""Name in a document's mark -> its table."""
