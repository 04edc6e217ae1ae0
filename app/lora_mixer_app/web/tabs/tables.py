"""Tables of plain text: whatever a cell holds, it is shown as it is written, never as HTML or Markdown."""

from __future__ import annotations

import gradio as gr

from lora_mixer_app.web.i18n import word


def text_table(label: str, headers: list[str], elem_id: str, *, widths: list[str | int] | None = None) -> gr.Dataframe:
    """Lay out a table that is only looked at.

    Args:
        label: The key of its title in `ui.words`.
        headers: Its columns.
        elem_id: Its id on the page.
        widths: How wide the columns are; None lets what they hold decide.
    """
    return gr.Dataframe(
        headers=headers,
        column_count=len(headers),
        datatype="str",
        type="array",
        label=word(label),
        elem_id=elem_id,
        interactive=False,
        wrap=True,
        column_widths=widths,
        max_height=320,
    )
