"""Where a run is kept: what the ledger needs of a place, and a folder behind it."""

from __future__ import annotations

from lora_mixer.store.folder import FolderStore, made
from lora_mixer.store.store import RunStore

__all__ = ["FolderStore", "RunStore", "made"]
