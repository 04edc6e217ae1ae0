"""Import modules when they are first used.

diffusers and transformers import far more than a picture needs: torch's compiler, statistics, distributed training, the
networks of sixty other models. Within `deferred(...)` the modules named there are entered into `sys.modules` without
being run. The first attribute that is asked for and not there runs them, and from then on they are what they always
were; so does, after the block, the import of a module below them. Within the block modules below them are imported
without the `__init__` above being run. A name that is no longer there after a new release, or is needed at once, costs
time and nothing else; `tests/libraries/test_imports.py` says which module came back.

(`importlib.util.LazyLoader` is not enough: it runs a package as soon as one of its modules is imported.)
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_log = logging.getLogger(__name__)
_running = threading.RLock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferral:
    """How a module is deferred.

    Attributes:
        given: What it has before it is run.
        later: Whether every other name stands for itself (see `Later`) within the `with` block: for modules whose
            functions are called, and whose classes are asked about, long after they are imported.
        first: Whether the module is run before one below it within the `with` block, too; after it, it always is.
        found: Names that are to be had without running it, each with the module that defines it; modules below it
            with themselves.
        after: Called with the module once it has been run.
        before: Modules that need what it does when it is run: it is run before the first of them is imported.
        instead: Called in place of running it, for the little that cannot wait; what it returns says whether the rest can.
    """

    given: Mapping[str, object] = field(default_factory=dict)
    later: bool = False
    first: bool = False
    found: Mapping[str, str] = field(default_factory=dict)
    after: Callable[[ModuleType], None] | None = None
    before: tuple[str, ...] = ()
    instead: Callable[[], bool] | None = None


class Later:
    """Stands for a function or class of a deferred module: called, asked for an attribute or for an instance, it is it.

    Args:
        module: The module.
        name: The function's or class's name there.
    """

    def __init__(self, module: str, name: str) -> None:
        self._module, self._name = module, name

    def _real(self) -> Any:  # noqa: ANN401 whatever it stands for
        module = import_module(self._module)
        _run(module)
        return getattr(sys.modules[self._module], self._name)

    def __call__(self, *arguments: object, **options: object) -> object:
        """Call the real object."""
        return self._real()(*arguments, **options)

    def __getattr__(self, name: str) -> object:
        """Return the real object's attribute.

        Raises:
            AttributeError: It has none of this name, or it is one that tools ask everything for.
        """
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._real(), name)

    def __mro_entries__(self, _bases: tuple[object, ...]) -> tuple[type, ...]:
        """Return the class, for one that is derived from it."""
        return (self._real(),)

    def __or__(self, other: object) -> object:
        """Stand for itself in an annotation, too."""
        return self

    __ror__ = __or__

    def __instancecheck__(self, instance: object) -> bool:
        """Return whether something is an instance; of a class that was never made there are none."""
        return has_run(self._module) and isinstance(instance, self._real())


class DeferredModule(ModuleType):
    """A module that is run when an attribute is asked for that it does not have yet."""

    def __getattr__(self, name: str) -> object:
        """Run the module and return the attribute.

        Raises:
            AttributeError: It has none of this name.
        """
        if name.startswith("__") and name != "__all__":  # what tools ask every module for
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        later = self.__loader__
        if isinstance(later, _Later):
            if name in later.how.found:
                return _found(later.how.found[name], name)
            if later.how.later and later.finder.active:
                return Later(self.__name__, name)
        _run(self)
        now = sys.modules.get(self.__name__, self)  # some packages put another object in their place
        return object.__getattribute__(self, name) if now is self else getattr(now, name)


class _Later(Loader):
    """Makes a module without running it."""

    def __init__(self, loader: Loader, how: Deferral, finder: _Finder) -> None:
        self.loader, self.how, self.finder = loader, how, finder

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return DeferredModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self.how.given)
        if self.how.instead is not None and not self.how.instead():
            _run(module)

    def __getattr__(self, name: str) -> object:
        return getattr(self.loader, name)  # get_source, get_data, ...


class _Existing(Loader):
    """Loads a module that already exists."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def create_module(self, _spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        """It has been run."""


class _Finder:
    """Finds deferred modules, and runs them before their submodules and those that need them."""

    def __init__(self, wanted: Mapping[str, Deferral]) -> None:
        self._wanted = wanted
        self._needed = {name: module for module, how in wanted.items() for name in how.before}
        self.active = True

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if self.active and fullname in self._wanted:
            spec = PathFinder.find_spec(fullname, path)
            if spec is not None and spec.loader is not None:
                spec.loader = _Later(spec.loader, self._wanted[fullname], self)
            return spec
        first = self._first(fullname)
        if first in sys.modules and not has_run(first):
            _run(sys.modules[first])
            if fullname in sys.modules:
                return ModuleSpec(fullname, _Existing(sys.modules[fullname]))
        return None

    def _first(self, fullname: str) -> str:
        """Return the deferred module that is run before this one; none if it is empty."""
        above = fullname.rpartition(".")[0]
        if above in self._wanted and (self._wanted[above].first or not self.active):
            return above
        return self._needed.get(fullname, "")


def run_deferred(name: str) -> None:
    """Run a module if it is deferred."""
    if name in sys.modules:
        _run(sys.modules[name])


def defer(wanted: Mapping[str, Deferral]) -> _Finder:
    """Defer these modules from now on; return what does so until it is no longer active."""
    finder = _Finder(wanted)
    sys.meta_path.insert(0, finder)
    return finder


@contextmanager
def deferred(wanted: Mapping[str, Deferral]) -> Iterator[None]:
    """Defer these modules if they are first imported within the `with` block."""
    finder = defer(wanted)
    try:
        yield
    finally:
        finder.active = False


def preloaded(modules: Iterable[str], wanted: Mapping[str, Deferral]) -> bool:
    """Import modules while deferring others; if that fails, import nothing early and return False."""
    before = set(sys.modules)
    try:
        with deferred(wanted):
            for module in modules:
                import_module(module)
    except Exception as error:  # noqa: BLE001 whatever a new release does
        _log.warning("modules that are not needed could not be put off, so all are imported: %s", error)
        packages = {module.partition(".")[0] for module in modules}
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in packages or not has_run(name):
                del sys.modules[name]
        return False
    return True


def has_run(name: str) -> bool:
    """Return whether a module is imported and has been run."""
    module = sys.modules.get(name)
    if module is not None and getattr(module, "__spec__", None) is None:
        return True
    return module is not None and not isinstance(getattr(module.__spec__, "loader", None), _Later)


def _found(module: str, name: str) -> object:
    defining = import_module(module)
    return defining if module.rpartition(".")[2] == name else getattr(defining, name)


def _run(module: ModuleType) -> None:
    """Run a deferred module, once."""
    with _running:
        spec = module.__spec__
        if spec is None or not isinstance(spec.loader, _Later):
            return
        later = spec.loader
        spec.loader = module.__loader__ = later.loader
        for name in later.how.given:
            vars(module).pop(name, None)
        later.loader.exec_module(module)
        if later.how.after is not None:
            later.how.after(module)
