"""What the page says, in English and Chinese: one row a sentence, chosen in the browser by its language."""

from __future__ import annotations

from typing import NamedTuple

import gradio as gr
from gradio.i18n import I18nData

from lora_mixer_app.ui.tab_words import TAB_WORDS


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
    *(Word(*row) for row in TAB_WORDS),
)

_BY_KEY = {word.key: word for word in WORDS}
_ENGLISH = {word.key: word.english for word in WORDS}
_CHINESE = {word.key: word.chinese for word in WORDS}

I18N = gr.I18n(**{"en": _ENGLISH, "zh": _CHINESE, "zh-CN": _CHINESE, "zh-TW": _CHINESE})
"""For `launch`: a browser's language falls back to its first half, then to English."""


def word(key: str) -> I18nData:
    """Return a sentence of the table, as the browser fills it in."""
    if key not in _ENGLISH:
        raise KeyError(key)
    return I18N(key)


def said(request: gr.Request, key: str, **values: object) -> str:
    """Return a sentence of the table in the language of who asks, for what is said from here."""
    row = _BY_KEY[key]
    language = str(request.headers.get("accept-language", "")).strip().lower()
    return (row.chinese if language.startswith("zh") else row.english).format(**values)
