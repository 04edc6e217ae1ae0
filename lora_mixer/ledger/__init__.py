"""The ledger: what a run's folder holds, written so that a crash at any moment leaves it whole."""

from __future__ import annotations

from lora_mixer.ledger.ledger import Ledger, LedgerEntry

__all__ = [
    "Ledger",
    "LedgerEntry",
]
