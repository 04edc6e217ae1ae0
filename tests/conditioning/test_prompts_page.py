"""docs/prompts.md names every dialect, mode and argument there is."""

from __future__ import annotations

from pathlib import Path

import pytest

from lora_mixer.conditioning import EMPHASIS
from lora_mixer.prompt import GRAMMARS
from lora_mixer.prompt.tags import _NAMED, LORA_WORDS

PAGE = (Path(__file__).parents[2] / "docs" / "prompts.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("grammar", [row.name for row in GRAMMARS])
def test_the_page_names_every_grammar(grammar: str) -> None:
    assert f'grammar="{grammar}"' in PAGE


@pytest.mark.parametrize("mode", [row.name for row in EMPHASIS])
def test_the_page_names_every_emphasis_mode(mode: str) -> None:
    assert f"| `{mode}` |" in PAGE


@pytest.mark.parametrize("argument", sorted(_NAMED))
def test_the_page_names_every_argument_of_a_tag(argument: str) -> None:
    assert f"{argument}=" in PAGE


@pytest.mark.parametrize("word", LORA_WORDS)
def test_the_page_names_every_tag(word: str) -> None:
    assert f"<{word}:" in PAGE
