"""Every measure, each in a process of its own, as a table and in results.json. `make bench`, or `python -m benchmarks`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Row, table

MEASURES = (
    "slider_side",
    "slider_merged",
    "step_overhead",
    "unet_step",
    "sweep",
    "open_lora",
    "open_model",
    "memory",
    "pristine",
    "throughput",
    "workers",
)
RESULTS = Path(__file__).parent / "results.json"


def main() -> int:
    """Run the measures named on the command line, or all; keep the earlier results of those that were not run."""
    names = sys.argv[1:] or list(MEASURES)
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() and sys.argv[1:] else []
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.json"
            subprocess.run([sys.executable, "-W", "ignore", "-m", f"benchmarks.{name}", str(file)], check=True)
            fresh = json.loads(file.read_text(encoding="utf-8"))
        told = {(row["measure"], row["peer"]) for row in fresh}
        kept = [row for row in kept if (row["measure"], row["peer"]) not in told] + fresh
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    print(table([Row(**row) for row in kept]))
    return 0 if all(row["holds"] is not False for row in kept) else 1


if __name__ == "__main__":
    sys.exit(main())
