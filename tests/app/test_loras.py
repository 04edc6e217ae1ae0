"""What the page knows of each LoRA."""

from __future__ import annotations

import pytest

from lora_mixer.catalog import Library, load_models_file
from lora_mixer.families import EMOJI
from lora_mixer_app.web.loras import LoraBrowser


@pytest.mark.parametrize(("name", "texts"), [("line_art", True), ("night_sky", False)])
def test_a_lora_without_a_part_for_texts_is_known_by_its_names(name: str, texts: bool) -> None:
    loras = LoraBrowser(Library(load_models_file().lora_folders))
    assert loras.fit(loras.library.find(name), EMOJI).texts is texts
