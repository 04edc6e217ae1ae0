"""What is answered from memory: our scripts, style sheets, fonts and icons, and the files of Gradio's page."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import lora_mixer
from lora_mixer_app.serving.assets import FOR_GOOD, PREFIX, Asset, Folder
from lora_mixer_app.serving.joined import joined_modules, joined_styles

STATIC = Path(__file__).parent / "static"
"""Style sheets, scripts (ES modules) and icons of our own; answered below `/page/`, from the first moment on."""
FONTS = Path(lora_mixer.__file__).parent / "data" / "fonts"
"""Those of sheets."""
FIRST, RUN = "modules.js", "page.js"
APART = frozenset({FIRST, "on_load.js", "component.js", "opening.js"})
"""Scripts that are no part of the one in which all modules are: it begins with the first, Gradio runs the next two, and the
last belongs to the page in front."""


def folders() -> dict[str, Folder]:
    """Return the folders whose files are answered, by what their addresses begin with.

    Gradio's are looked for without importing it: the page in front is there before it is.
    """
    ours = {PREFIX: Folder(STATIC), f"{PREFIX}fonts/": Folder(FONTS)}
    gradio = find_spec("gradio")
    if gradio is None or gradio.origin is None:
        return ours
    theirs = Path(gradio.origin).parent / "templates" / "frontend"
    return {**ours, "/assets/": Folder(theirs / "assets", FOR_GOOD), "/static/": Folder(theirs / "static")}


def made() -> dict[str, Asset]:
    """Return what many files are answered as one in, by address."""
    modules = sorted(path for path in STATIC.rglob("*.js") if path.name not in APART)
    sheets = sorted(STATIC.rglob("*.css"))
    return {
        f"{PREFIX}modules.js": Asset((STATIC / FIRST, *modules), partial(_modules, modules)),
        f"{PREFIX}styles.css": Asset(sheets, _styles),
    }


def _modules(paths: list[Path]) -> bytes:
    return joined_modules(STATIC, STATIC / FIRST, paths, run=RUN).encode()


def _styles() -> bytes:
    return joined_styles(STATIC / "styles.css").encode()
