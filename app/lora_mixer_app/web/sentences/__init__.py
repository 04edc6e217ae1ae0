"""The engine's sentences in English and Chinese, a file for each of its rooms.

A blank is `{}`. In the Chinese, `{1}` says which blank where the order differs, and `{:zh}` that a sentence stands in it.
"""

from __future__ import annotations

from lora_mixer_app.web.sentences import (
    adapters,
    catalog,
    files,
    images,
    models,
    notes,
    page,
    prompts,
    readers,
    runs,
    settings,
    training,
)

ROOMS = (settings, prompts, catalog, files, adapters, models, images, runs, training, notes, readers, page)
SENTENCES: tuple[tuple[str, str], ...] = tuple(row for room in ROOMS for row in room.SENTENCES)
"""All rows."""
