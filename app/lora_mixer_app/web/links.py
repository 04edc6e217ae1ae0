"""Addresses of files that the page may show."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote


def link_to(path: Path) -> str:
    """Return where a browser finds a file of a served folder, relative to the page; `Files` hides the folder's place."""
    return f"gradio_api/file={quote(path.as_posix())}"
