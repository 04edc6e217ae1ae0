"""What a picture needs is imported, and nothing else; what is deferred is what it always was when it is asked for."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

import pytest

import lora_mixer
from lora_mixer.libraries import distributions
from lora_mixer.libraries.deferring import Deferral, Later, deferred, has_run, preloaded, run_deferred
from lora_mixer_app.cli import program

CHEAP = ("--help", "--version", "loras", "models", "init --help", "inspect line_art")
HEAVY = (
    "sympy",
    "peft",
    "torch._inductor",
    "torch.onnx.ops",
    "scipy.special",
    "scipy.linalg",
    "torch.distributed.tensor._ops",
    "torch._decomp",
    "torch._prims",
    "torch._refs",
    "huggingface_hub._jobs_api",
    "requests.sessions",
)
"""Modules a picture has no use for that took the longest."""
PROGRAM = """
import json, sys
import lora_mixer_app.cli as cli
try:
    cli.main()
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(sorted(name for name, module in sys.modules.items() if module is not None)), file=sys.stderr)
from lora_mixer.libraries import distributions
from lora_mixer.libraries.deferring import has_run
from lora_mixer.libraries.own_process import PUT_OFF
from lora_mixer.libraries.unneeded import UNNEEDED
print(json.dumps([name for name in (*UNNEEDED, *PUT_OFF) if has_run(name)]), file=sys.stderr)
"""


def test_a_picture_imports_nothing_it_does_not_need(tmp_path: Path) -> None:
    """If this fails after a new release: see which module came back, who asks for it, and mend `unneeded.py`.

    If it is torch's operators, look for what else they do as they are imported, and enter the release in `own_process.py`.
    """
    (tmp_path / "one.txt").write_text("red heart --steps 1 --loras line_art=0.5\n")
    command = [sys.executable, "-c", PROGRAM, "render", str(tmp_path / "one.txt"), "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded, run = (json.loads(line) for line in done.stderr.splitlines()[-2:])
    assert run == []
    assert [name for name in HEAVY if name in loaded] == []


@pytest.mark.parametrize("words", CHEAP)
def test_commands_that_compute_nothing_never_import_torch(words: str) -> None:
    source = PROGRAM.replace("from lora_mixer.libraries", "sys.exit()\nfrom lora_mixer.libraries", 1)
    done = subprocess.run([sys.executable, "-c", source, *words.split()], capture_output=True, text=True, check=False)
    loaded = json.loads(done.stderr.splitlines()[-1])
    assert "lora_mixer_app.cli" in loaded
    settings = ("pydantic", "lora_mixer.settings") if words in {"--help", "--version"} else ()
    assert [name for name in ("torch", "numpy", "gradio", "diffusers", *settings) if name in loaded] == []


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package that notes when it is run, with a function, a class and a module below it."""
    folder = tmp_path / "a_heavy_package"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "import builtins\nfrom a_heavy_package.below import DEPTH\nTOLD = []\n"
        "def double(x):\n    return 2 * x\nclass Thing:\n    size = 3\n"
    )
    (folder / "below.py").write_text("DEPTH = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("a_heavy_package", "a_heavy_package.below"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield "a_heavy_package"
    for name in ("a_heavy_package", "a_heavy_package.below"):
        sys.modules.pop(name, None)


def imported(package: str) -> ModuleType:
    return __import__(package)


def test_a_deferred_package_is_run_when_it_is_asked_for_something_and_not_for_a_module_below_it(package: str) -> None:
    with deferred({package: Deferral()}):
        module = imported(package)
        below = __import__(f"{package}.below", fromlist=["DEPTH"])
    assert below.DEPTH == 1
    assert not has_run(package)
    assert not hasattr(module, "__wrapped__")
    assert not has_run(package)
    assert module.double(2) == 4
    assert has_run(package)
    with pytest.raises(AttributeError):
        _ = module.nothing


def test_what_is_given_serves_until_the_module_is_run_and_is_told_then(package: str) -> None:
    told: list[ModuleType] = []
    with deferred({package: Deferral(given={"double": len}, after=told.append)}):
        module = imported(package)
    assert module.double is len
    assert told == []
    assert module.Thing.size == 3
    assert module.double(3) == 6
    assert told == [module]


def test_a_name_that_stands_for_itself_is_called_asked_and_derived_from(package: str) -> None:
    with deferred({package: Deferral(later=True)}):
        double, thing = (getattr(imported(package), name) for name in ("double", "Thing"))
        assert isinstance(double, Later)
        assert not isinstance(3, thing)
        assert not has_run(package)
    assert double(4) == 8
    assert thing.size == 3

    class Smaller(thing):
        pass

    assert isinstance(Smaller(), thing)
    assert isinstance(thing(), thing)


def test_after_the_block_a_package_is_run_before_a_module_below_it_and_each_once(package: str) -> None:
    with deferred({package: Deferral()}):
        imported(package)
    below = __import__(f"{package}.below", fromlist=["DEPTH"])
    assert has_run(package)
    assert below is sys.modules[f"{package}.below"]
    assert below.DEPTH == 1
    below.DEPTH = 2
    assert __import__(f"{package}.below", fromlist=["DEPTH"]).DEPTH == 2


def test_a_module_is_run_before_the_first_that_needs_what_it_does(package: str, tmp_path: Path) -> None:
    (tmp_path / "needs_it.py").write_text("import sys\nSEEN = hasattr(sys.modules['a_heavy_package'], 'TOLD')\n")
    with deferred({package: Deferral(before=("needs_it", f"{package}.below"))}):
        imported(package)
        assert not has_run(package)
        assert __import__("needs_it").SEEN
        assert has_run(package)
    del sys.modules["needs_it"]


@pytest.mark.parametrize("rest_can_wait", [True, False])
def test_what_cannot_wait_is_done_instead_and_says_whether_the_rest_can(package: str, rest_can_wait: bool) -> None:
    done: list[bool] = []
    with deferred({package: Deferral(instead=lambda: done.append(True) or rest_can_wait)}):
        imported(package)
        assert (done, has_run(package)) == ([True], not rest_can_wait)
        run_deferred(package)
        run_deferred("a_package_that_nobody_imported")
    assert has_run(package)
    assert done == [True]


def test_torch_is_whole_where_its_operators_on_the_meta_device_wait() -> None:
    source = (
        "import sys\n"
        "from lora_mixer.libraries.own_process import BROUGHT, META, begin, meta_operators\n"
        "from lora_mixer.libraries.deferring import has_run\n"
        "begin()\n"
        "import torch\n"
        "assert not has_run(META), 'it came back'\n"
        "first = torch.randn(3, generator=torch.Generator().manual_seed(3))\n"
        "made = torch.nn.Conv2d(3, 5, 3, device='meta').half()\n"
        "assert not has_run(META)\n"
        "there = set(sys.modules)\n"
        "meta_operators()\n"
        "brought = {name for name in sys.modules if name not in there and not name.startswith(BROUGHT)}\n"
        "assert not brought, brought\n"
        "assert made(torch.empty(2, 3, 8, 8, dtype=torch.half, device='meta')).shape == (2, 5, 6, 6)\n"
        "again = torch.randn(3, generator=torch.Generator().manual_seed(3))\n"
        "assert torch.equal(first, again) and torch.equal(again, torch.randn(3, generator=torch.manual_seed(3)))\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True)


@pytest.mark.parametrize("known", ["('0.1.',)", "own_process.KNOWN"])
def test_compilers_find_torchs_operators_and_an_unknown_release_has_them_at_once(known: str) -> None:
    source = (
        "from lora_mixer.libraries import own_process\n"
        "from lora_mixer.libraries.deferring import has_run\n"
        f"known = own_process.KNOWN = {known}\n"
        "own_process.begin()\n"
        "import torch\n"
        "assert has_run(own_process.META) == (known == ('0.1.',)), known\n"
        "import torch.utils._content_store\n"
        "from torch._subclasses.fake_tensor import FakeTensorMode\n"
        "with FakeTensorMode():\n"
        "    assert torch.nn.Conv2d(3, 5, 3)(torch.empty(2, 3, 8, 8)).relu().shape == (2, 5, 6, 6)\n"
        "assert has_run(own_process.META)\n"
        "assert torch._decomp.decomposition_table and torch._refs.add and torch.ops.prims.add\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True)


def test_no_circles_are_searched_for_while_commands_and_rooms_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[bool] = []

    def imported_meanwhile(name: str) -> ModuleType:
        searched.append(gc.isenabled())
        return import_module(name)

    for asks in (lora_mixer, program):
        monkeypatch.setattr(asks, "import_module", imported_meanwhile)
    assert callable(program.COMMANDS[0].run)
    assert lora_mixer.__getattr__("RenderRequest").__name__ == "RenderRequest"
    assert (searched, gc.isenabled()) == ([False, False], True)


def test_where_putting_off_fails_all_is_imported_as_ever(package: str, caplog: pytest.LogCaptureFixture) -> None:
    odd = Deferral(given={"TOLD": property(len)}, found={"below": f"{package}.not_there"})
    assert not preloaded([package, f"{package}.nothing"], {package: odd})
    assert "could not be put off" in caplog.text
    assert imported(package).double(2) == 4


def test_the_compiler_is_whole_after_it_was_put_off() -> None:
    source = (
        "import lora_mixer.models, torch\n"
        "from torch._dynamo.utils import counters\n"
        "from lora_mixer.libraries.deferring import has_run\n"
        "assert has_run('torch._dynamo')\n"
        "import torch.distributed.fsdp, torch.distributed.checkpoint, scipy.stats, transformers, diffusers.hooks\n"
        "from diffusers.models.transformers.transformer_2d import BasicTransformerBlock as block\n"
        "from torch._dynamo.trace_rules import _allowed_callable_ids as allowed\n"
        "assert id(block) in allowed.function_ids, 'a mark was lost'\n"
        "assert scipy.stats.norm.cdf(0) == 0.5 and transformers.AutoTokenizer and torch.distributed.fsdp.fully_shard\n"
    )
    subprocess.run([sys.executable, "-c", source], check=True)


def test_outside_the_block_modules_are_imported_as_ever(package: str) -> None:
    with deferred({package: Deferral()}):
        pass
    imported(package)
    assert has_run(package)


def test_the_metadata_of_all_distributions_are_read_when_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    monkeypatch.setattr(distributions, "_real", lambda: read.append(1) or {"torch": ["torch"]})
    with distributions.distributions_when_asked():
        known = metadata.packages_distributions()
        assert read == []
    assert ("torch" in known, "torc" in known, list(known), len(known)) == (True, False, ["torch"], 1)
    assert read == [1]
