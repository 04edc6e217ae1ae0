"""Tables of plain text: whatever a cell holds, it is shown as it is written, never as HTML or Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from gradio.components import Component

from lora_mixer_app.web.component import own_component

Rows = dict[str, Sequence[Sequence[str]]]
"""What such a table is given: see `filled`."""


def text_table(title: str, heads: Sequence[str], elem_id: str) -> Component:
    """Lay out a table that is only looked at; while it has no rows, nothing is there.

    Args:
        title: The key of its title in `web.i18n`.
        heads: The keys of its columns.
        elem_id: Its id on the page.
    """
    return own_component("tabs/table.js", elem_id=elem_id, value=filled(()), title=title, heads=list(heads))


def filled(rows: Sequence[Sequence[str]]) -> Rows:
    """Return the rows of a table as the component takes them."""
    return {"rows": rows}
