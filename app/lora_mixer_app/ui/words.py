"""What the page says, in English and Chinese: one row a sentence, chosen in the browser by its language."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr
from gradio.i18n import I18nData


class Word(NamedTuple):
    """A row of the table."""

    key: str
    english: str
    chinese: str


WORDS: tuple[Word, ...] = (
    Word("title", "LoRA Mixer", "LoRA 调音台"),
    Word("desk", "Desk", "调音台"),
    Word("prompt", "Prompt", "提示词"),
    Word("negative", "Negative prompt", "反向提示词"),
    Word("loras", "LoRAs", "LoRA"),
    Word("seed", "Seed (-1: random)", "种子（-1：随机）"),
    Word("steps", "Steps", "步数"),
    Word("cfg", "CFG scale", "提示词引导系数"),
    Word("generate", "Generate", "生成"),
    Word("cancel", "Cancel", "取消"),
    Word("picture", "Picture", "图片"),
)

_ENGLISH = {word.key: word.english for word in WORDS}
_CHINESE = {word.key: word.chinese for word in WORDS}

I18N = gr.I18n(**{"en": _ENGLISH, "zh": _CHINESE, "zh-CN": _CHINESE, "zh-TW": _CHINESE})
"""For `launch`: a browser's language falls back to its first half, then to English."""


def word(key: str) -> I18nData:
    """Return a sentence of the table, as the browser fills it in."""
    if key not in _ENGLISH:
        raise KeyError(key)
    return I18N(key)
