"""Many pictures on one page: labelled grids and an index that opens from disk."""

from __future__ import annotations

from lora_mixer.renamed import moved
from lora_mixer.sheet.draw import Cell, Failed, draw_sheet, save_sheet
from lora_mixer.sheet.index import IndexEntry, write_index
from lora_mixer.sheet.layout import Labels
from lora_mixer.sheet.sheet import Sheet

__all__ = ["Cell", "Failed", "IndexEntry", "Labels", "Sheet", "draw_sheet", "save_sheet", "write_index"]

__getattr__ = moved(__name__)
