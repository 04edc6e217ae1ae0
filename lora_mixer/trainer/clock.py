"""The time, which can be fixed: the only thing in a trained file that another run of the same training has otherwise."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def now() -> datetime:
    """Return the time; that of `SOURCE_DATE_EPOCH` where it is set, so that the same training makes the same bytes."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(fixed), UTC) if fixed.isdigit() else datetime.now(UTC)
