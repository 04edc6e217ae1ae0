"""Many small files in one answer: each request costs a browser and its server more than what most of these files do.

Nothing is built: scripts stay ES modules, and sheets sheets, that also work one by one. They are put together as they are
asked for, and no more is read of them than their lines of `import` and `export`, in the form in which `biome` writes them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path

_IMPORT = re.compile(r'^import (?:\{(?P<names>[^}]*)\} from )?"(?P<where>\.[^"]*)";$', re.MULTILINE)
_HANDED_ON = re.compile(r'^export \{(?P<names>[^}]*)\} from "(?P<where>\.[^"]*)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (?P<name>[\w$]+))", re.MULTILINE)
_NOTHING = re.compile(r"^export \{\};$", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)
_SHEET = re.compile(r'^@import (?:url\()?"(?P<where>[^":]+)"\)?;$', re.MULTILINE)
_BESIDE = re.compile(r"url\((?!\"?data:)")


def joined_modules(folder: Path, first: Path, others: Iterable[Path], *, run: str) -> str:
    """Return modules as one, each a function that is run when somebody first imports it.

    Args:
        folder: Where all of them lie; a module's name is its path within.
        first: The module that has `define(name, module)`, which takes each of the others, and `use(name)`, which returns
            what one exports. It comes first.
        others: The rest.
        run: The name of the module that is run at once.

    Raises:
        ValueError: A module imports or exports in another form than those this knows.
    """
    parts = [first.read_text(encoding="utf-8")]
    for path in others:
        name = path.relative_to(folder).as_posix()
        parts.append(f'define("{name}", () => {{\n{_as_function(name, path.read_text(encoding="utf-8"))}}});\n')
    return "".join((*parts, f'use("{run}");\n'))


def joined_styles(sheet: Path) -> str:
    """Return a style sheet with those that it imports in their places.

    Raises:
        ValueError: One of another folder names a file beside it, which would be looked for elsewhere.
    """

    def imported(found: re.Match[str]) -> str:
        path = sheet.parent / found["where"]
        text = joined_styles(path)
        if path.parent != sheet.parent and _BESIDE.search(text):
            raise ValueError(f"{path} is joined to {sheet} and names a file by a path of its own")
        return text

    return _SHEET.sub(imported, sheet.read_text(encoding="utf-8"))


def _as_function(name: str, text: str) -> str:
    """Return the body of a function that does what a module does, and returns what it exports."""
    given: list[str] = []

    def imported(found: re.Match[str]) -> str:
        asked = f'use("{_within(name, found["where"])}");'
        return f"const {{{_renamed(found['names'])}}} = {asked}" if found["names"] else asked

    def handed_on(found: re.Match[str]) -> str:
        given.extend(one.split(" as ")[-1].strip() for one in found["names"].split(",") if one.strip())
        return imported(found)

    def exported(found: re.Match[str]) -> str:
        given.append(found["name"])
        return ""

    body = _NOTHING.sub("", _EXPORT.sub(exported, _HANDED_ON.sub(handed_on, _IMPORT.sub(imported, text))))
    if other := _OTHER.search(body):
        raise ValueError(f"{name}: this form of import or export cannot be joined: {other[0]}")
    return f"{body}return {{ {', '.join(given)} }};\n"


def _within(name: str, where: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), where))


def _renamed(names: str) -> str:
    return re.sub(r"\s+as\s+", ": ", names)
