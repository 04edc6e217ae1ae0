"""Every measure, each in a process of its own, as a table and in results.json. `make bench`, or `python -m benchmarks`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import RESULTS, write
from benchmarks.report import Row, table

MINUTES = {
    "slider_side": 1,
    "slider_merged": 3,
    "step_overhead": 7,
    "unet_step": 6,
    "sweep": 9,
    "regions": 2,
    "open_lora": 2,
    "open_model": 4,
    "memory": 2,
    "pristine": 4,
    "workers": 2,
    "throughput": 10,
}
"""Measure -> what it may take on two idle cores; one that takes three times that is ended and counts as failed."""


def main() -> int:
    """Run the measures named on the command line, or all; keep the earlier results of those that were not run.

    Returns 1 where a bar does not hold or a measure failed; the others run all the same.
    """
    names = sys.argv[1:] or list(MINUTES)
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() and sys.argv[1:] else []
    failed = []
    for name in names:
        begun = time.monotonic()
        fresh = rows_of(name)
        if fresh is None:
            failed.append(name)
        told = {(row["measure"], row["peer"]) for row in fresh or ()}
        kept = [row for row in kept if (row["measure"], row["peer"]) not in told] + (fresh or [])
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {time.monotonic() - begun:.0f} s of {60 * MINUTES[name]}", flush=True)
    write()
    print(table([Row(**row) for row in kept]))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed or any(row["holds"] is False for row in kept) else 0


def rows_of(name: str) -> list[dict[str, object]] | None:
    """Return the rows of a measure, run in a process of its own; None where it failed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.json"
        command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{name}", str(file)]
        try:
            subprocess.run(command, check=True, timeout=180 * MINUTES[name])
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return None
        rows: list[dict[str, object]] = json.loads(file.read_text(encoding="utf-8"))
        return rows


if __name__ == "__main__":
    sys.exit(main())
