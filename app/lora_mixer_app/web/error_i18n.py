"""What the engine says, in Chinese: errors and notes are matched as whole sentences; what stands in a blank stays."""

from __future__ import annotations

import itertools
import re
from functools import lru_cache

from lora_mixer import LoraMixerError
from lora_mixer_app.web.i18n import chinese_name
from lora_mixer_app.web.sentences.matching import row_of

_LONGEST = 2000
"""Letters of a sentence that is looked for; what is longer is somebody's text."""
_MOST_CUTS = 6
"""Places at which a line is cut into where, what and remedy."""
_SEAM = re.compile(
    r"(?<=[\u4e00-\u9fff]) ?\x01(?=[\u4e00-\u9fff])|(?<=[\u4e00-\u9fff])\x02 ?(?=[\u4e00-\u9fff])|[\x01\x02]"
)
r"""Where a sentence that stands in another one begins (\x01) and ends (\x02): between Chinese letters there is no space."""
_FOLDERS = re.compile(r"(?<![^\s'\"(\[])(?:[A-Za-z]:)?[/\\](?:[^/\\\s:]+[/\\])+")
_JOINS = (("; ", "；"), (", ", "，"))
"""What stands between sentences that were put together, in English and in Chinese."""


def in_chinese(sentence: str) -> str:
    """Return a sentence of an error or a note in Chinese, or as it is where the table has none.

    >>> in_chinese("'ink' is no number")
    "'ink' 不是数字"
    """
    return _said(sentence) if len(sentence) <= _LONGEST else sentence


def error_text(error: LoraMixerError, language: str) -> str:
    """Return an error as one line, in a language (`en` or `zh`) as far as there are sentences for it, without folders."""
    if language != "zh":
        return without_folders(str(error))
    told = line_text(error.what, language)
    line = f"{_place(without_folders(error.where))}：{told}" if error.where else told
    return f"{line}。{_remedy(without_folders(error.remedy))}" if error.remedy else line


def line_text(line: str, language: str) -> str:
    """Return a note, or the line that an error became, as `error_text` does an error.

    >>> line_text("the file is empty. Download it again.", "zh")
    '文件为空。请重新下载。'
    """
    bare = without_folders(line)
    return _line(bare) if language == "zh" and len(bare) <= _LONGEST else bare


def without_folders(text: str) -> str:
    """Return a text whose paths have lost their folders, which are the server's own business.

    >>> without_folders("/home/ada/loras/a.safetensors: half a file")
    'a.safetensors: half a file'
    """
    return _FOLDERS.sub("", text)


def _place(where: str) -> str:
    """Return where something is wrong: a setting as the page calls it."""
    return chinese_name(where) or in_chinese(where)


def _line(line: str) -> str:
    """Return a line in Chinese, cut into where, what and remedy as most of it is in the table."""
    cuts = [
        (where, what, remedy)
        for where, rest in _cuts(line, ": ")
        for what, remedy in ((rest, ""), (rest.removesuffix("."), ""), *_cuts(rest, ". ")[1:])
    ]
    where, what, remedy = max(cuts, key=lambda cut: _share_known(cut[1], cut[2]))
    joins = [(mark, chinese) for mark, chinese in _JOINS if _sum_known(line, mark) > _share_known(what, remedy)[0]]
    if joins:
        mark, chinese = joins[0]
        return chinese.join(map(_line, line.split(mark)))
    if not _known(what):
        return line
    told = f"{_place(where)}：{in_chinese(what)}" if where else in_chinese(what)
    return f"{told}。{_remedy(remedy)}" if remedy else told


def _sum_known(line: str, mark: str) -> int:
    """Return how many letters are known of a line's parts between a mark, of those that stand for themselves."""
    parts = line.split(mark, _MOST_CUTS)
    return sum(map(_known, parts)) if 1 < len(parts) <= _MOST_CUTS else 0


def _share_known(what: str, remedy: str) -> tuple[int, int]:
    """Return how many letters of a cut are known, and how long it is: names may hold the marks that lines are cut at."""
    known = _known(what)
    return known and known + sum(map(_known, parted(remedy))), len(what)


def _known(sentence: str) -> int:
    """Return how many letters of a sentence are in its row, and in those of the sentences in it."""
    row = row_of(sentence)
    if row is None:
        return 0
    inner = (filled for place, filled in enumerate(row.fillings(sentence) or ()) if place in row.nested)
    return sum(map(len, row.literals)) + sum(map(_known, inner))


def _cuts(line: str, mark: str) -> list[tuple[str, str]]:
    """Return the two parts of a line at each of the first marks in it, after nothing and the whole.

    >>> _cuts("a: b: c", ": ")
    [('', 'a: b: c'), ('a', 'b: c'), ('a: b', 'c')]
    """
    places = [place.span() for place in itertools.islice(re.finditer(re.escape(mark), line), _MOST_CUTS)]
    return [("", line), *((line[:start], line[end:]) for start, end in places)]


def _remedy(remedy: str) -> str:
    return " ".join(map(in_chinese, parted(remedy)))


def parted(remedy: str) -> list[str]:
    """Return a remedy whole where the table has it, else its sentences."""
    return [remedy] if row_of(remedy) else re.split(r"(?<=[.?])\s+", remedy)


class _Filling(str):
    """What stands in a blank."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return f"\x01{_line(self)}\x02" if spec == "zh" else str(self)


@lru_cache(maxsize=4096)
def _said(sentence: str) -> str:
    row = row_of(sentence)
    return sentence if row is None else _SEAM.sub("", row.chinese.format(*map(_Filling, row.fillings(sentence) or ())))
