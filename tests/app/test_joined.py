"""Scripts and sheets that are answered as one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lora_mixer_app.serving.joined import joined_modules, joined_styles
from lora_mixer_app.web.files import STATIC, made

MODULES = made()["/page/modules.js"].sources


def written(folder: Path, files: dict[str, str]) -> list[Path]:
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return [folder / name for name in files]


def test_a_module_becomes_a_function_that_uses_others_and_returns_what_it_exports(tmp_path: Path) -> None:
    first, *others = written(
        tmp_path,
        {
            "first.js": "// first\n",
            "desk/a.js": 'import "./b.js";\nimport {\n  one,\n  two as three,\n} from "../common/c.js";\n'
            'export { four as five, six } from "./d.js";\nexport const x = 1;\nexport async function y() {}\n'
            "export class Z {}\n",
        },
    )
    assert joined_modules(tmp_path, first, others, run="desk/a.js") == (
        '// first\ndefine("desk/a.js", () => {\nuse("desk/b.js");\nconst {\n  one,\n  two: three,\n} = use("common/c.js");\n'
        'const { four: five, six } = use("desk/d.js");\nconst x = 1;\nasync function y() {}\nclass Z {}\n'
        'return { five, six, x, y, Z };\n});\nuse("desk/a.js");\n'
    )


@pytest.mark.parametrize(
    "line",
    [
        "export default 1;",
        "export let x = 1;",
        'export * from "./b.js";',
        'import * as b from "./b.js";',
        'import b from "./b.js";',
        'import { b } from "elsewhere";',
        "export const { a, b } = c;",
    ],
)
def test_a_form_that_is_not_known_is_refused(tmp_path: Path, line: str) -> None:
    paths = written(tmp_path, {"first.js": "", "a.js": f"{line}\n"})
    with pytest.raises(ValueError, match=r"a\.js: this form"):
        joined_modules(tmp_path, paths[0], paths[1:], run="a.js")


def test_modules_use_each_other_without_circles() -> None:
    """One that is still being run has exported nothing, where the browser's own modules would wait."""
    uses = {}
    for path in MODULES[1:]:
        found = re.findall(r'^(?:import|export) [^"]*"(\.[^"]+)";$', path.read_text(), re.MULTILINE)
        uses[path] = [(path.parent / where).resolve() for where in found]
    assert sum(map(len, uses.values())) > len(uses)
    over: set[Path] = set()
    while ready := {path for path in uses if path not in over and over.issuperset(uses[path])}:
        over |= ready
    assert {path.relative_to(STATIC) for path in uses if path not in over} == set()


def test_a_sheet_s_imports_stand_in_their_places(tmp_path: Path) -> None:
    sheet, _, beside = written(
        tmp_path,
        {
            "all.css": '@import "a.css";\n@import url("b/b.css");\nc {}\n',
            "a.css": "a { src: url(x) }",
            "b/b.css": "b {}",
        },
    )
    assert joined_styles(sheet) == "a { src: url(x) }\nb {}\nc {}\n"
    beside.write_text("b { src: url(x) }")
    with pytest.raises(ValueError, match="names a file"):
        joined_styles(sheet)
