"""Import paths of 0.1 work for a release more, and say where they went."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from lora_mixer.renamed import MODULES, NAMES, moved


@pytest.mark.parametrize("module", sorted(NAMES))
def test_every_old_name_gives_what_the_new_one_does_with_a_warning_that_says_it(module: str) -> None:
    for name, new in NAMES[module].items():
        home, _, leaf = new.rpartition(".")
        with pytest.warns(DeprecationWarning, match=f"{module}.{name} is {new} now"):
            assert getattr(importlib.import_module(module), name) is getattr(importlib.import_module(home), leaf)


def test_every_module_that_is_gone_stands_for_one_that_is_there() -> None:
    for old, new in MODULES.items():
        assert importlib.import_module(old).__name__ == old
        assert importlib.util.find_spec(new) is not None


def test_old_submodules_are_imported_as_before() -> None:
    with pytest.warns(DeprecationWarning, match="lora_mixer.runs.run.run"):
        from lora_mixer.batch.run import run
    with pytest.warns(DeprecationWarning, match="lora_mixer.runs.plan_batches"):
        from lora_mixer.batch import order  # a function, though the module it was in has the same name
    from lora_mixer.runs.run import run as now

    assert run is now
    assert callable(order)


def test_a_name_that_never_was_is_refused_as_python_does() -> None:
    for module in ("lora_mixer.batch", "lora_mixer.batch.run", "lora_mixer.pipeline"):
        with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
            moved(module)("nonsense")
    with pytest.raises(ImportError):
        importlib.import_module("lora_mixer.batch.nonsense")


def test_old_paths_cost_nothing_until_somebody_asks_for_them() -> None:
    code = "import sys, lora_mixer.batch.crew; print('torch' in sys.modules, 'lora_mixer.workers' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
