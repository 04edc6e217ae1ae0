"""What a written file holds, told by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lora_mixer.wording import counted
from lora_mixer_app.cli.output import Console, PlainTable

if TYPE_CHECKING:
    from lora_mixer.export import BakeReport


def tell_written(console: Console, report: BakeReport) -> None:
    """Print what was written: the error of every block, notes, and the file."""
    if report.blocks:
        console.print(_table(report))
    for note in report.notes:
        console.say(f"note: {note}", style="yellow")
    console.say(f"{report.path}: {counted(report.modules, 'module')}, {_whole(report)}")


def _whole(report: BakeReport) -> str:
    if report.exact:
        return "exact but for the rounding of the file"
    return f"largest relative error of a block {max(block.error for block in report.blocks):.3%}"


def _table(report: BakeReport) -> PlainTable:
    table = PlainTable("part", "block", "modules", "exact", "relative error")
    for block in report.blocks:
        table.add_row(block.part, block.block, str(block.modules), str(block.exact), f"{block.error:.3%}")
    return table
