"""Read out of the source what errors say: every text that may become the sentence or the remedy of an error."""

from __future__ import annotations

import ast
import builtins
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple, TypeVar

import lora_mixer
import lora_mixer_app

BLANK = "X9"
"""Stands for whatever is only known when the error is raised."""
SAYERS = frozenset({"what", "remedy"})
"""Parameters whose arguments become an error's words, in functions that hand them on."""
ROWS = frozenset({"Problem", "Fault", "ForeignFile", "BadToml"})
"""Tables and records whose `what` becomes an error's sentence, or is shown as one."""
TELLERS = frozenset({"note", "say", "_say"})
"""Functions that tell a sentence to whoever listens."""
NOTED = frozenset({"note", "reason"})
"""Fields that hold a sentence."""
TRANSLATORS = frozenset({"error_text", "line_text"})
"""Functions that say in another language what an error says already."""
DEEPEST = 8
MOST = 24
PACKAGES = {package.__name__: Path(next(iter(package.__path__))) for package in (lora_mixer, lora_mixer_app)}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Node = TypeVar("Node")


@dataclass
class Module:
    """A file's tree, with what its names mean."""

    tree: ast.Module
    constants: dict[str, ast.expr] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)


class Scope(NamedTuple):
    """Where an expression stands."""

    module: Module
    function: Function | None = None
    depth: int = 0

    def deeper(self) -> Scope:
        """Return the scope one step further down."""
        return self._replace(depth=self.depth + 1)


@cache
def module_of(file: Path) -> Module:
    """Read a file."""
    module = Module(ast.parse(file.read_text(encoding="utf-8")))
    for node in ast.walk(module.tree):
        if isinstance(node, Function):
            module.functions.setdefault(node.name, node)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in PACKAGES:
            module.imports |= {alias.asname or alias.name: (str(node.module), alias.name) for alias in node.names}
    for node in module.tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            module.constants[node.targets[0].id] = node.value
    return module


def sentences(file: Path, handed_on: Mapping[str, str]) -> Iterator[str]:
    """Yield what a file's errors may say, and their remedies, with `BLANK` for what is not known.

    Args:
        file: The file.
        handed_on: The sentence that a function puts what it is given into, by its name.
    """
    module = module_of(file)
    for call, function in _calls(module.tree, None):
        whole = handed_on.get(_called(call), "{}")
        for said in _said(call, module):
            yield from (whole.replace("{}", text) for text in texts(said, Scope(module, function)))


def notes(file: Path) -> Iterator[str]:
    """Yield what a file notes of its work: what it tells whoever listens, and what its functions yield as sentences."""
    module = module_of(file)
    for call, function in _calls(module.tree, None):
        name, heard = _called(call), ast.unparse(call.func)
        told = call.args[:1] if name in TELLERS or (name == "append" and "note" in heard) else []
        for said in (*told, *(word.value for word in call.keywords if word.arg in NOTED)):
            yield from texts(said, Scope(module, function))
    for function in module.functions.values():
        for node in ast.walk(function):
            if isinstance(node, ast.Yield) and isinstance(node.value, ast.JoinedStr | ast.Constant):
                yield from texts(node.value, Scope(module, function))


def _calls(node: ast.AST, function: Function | None) -> Iterator[tuple[ast.Call, Function | None]]:
    """Yield the calls below a node, each with the innermost function it stands in."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, function
        yield from _calls(child, child if isinstance(child, Function) else function)


def _said(call: ast.Call, module: Module) -> Iterator[ast.expr]:
    """Yield the arguments of a call that an error says."""
    name = _called(call)
    error = name.endswith("Error") and not hasattr(builtins, name)
    if error or name in ROWS:
        yield from call.args[:1] if error else ()
        yield from (word.value for word in call.keywords if word.arg in SAYERS)
    elif (found := _find(module, name, lambda there: there.functions)) is not None:
        taken = [arg.arg for arg in (*found[1].args.posonlyargs, *found[1].args.args)]
        yield from (argument for parameter, argument in zip(taken, call.args, strict=False) if parameter in SAYERS)
        yield from (word.value for word in call.keywords if word.arg in SAYERS)


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "id", "") or getattr(call.func, "attr", ""))


def _find(module: Module, name: str, names: Callable[[Module], dict[str, Node]]) -> tuple[Module, Node] | None:
    """Return what a name means, and the module it is written in, through imports."""
    for _ in range(DEEPEST):
        if name in names(module):
            return module, names(module)[name]
        if name not in module.imports:
            return None
        path, name = module.imports[name]
        package, *parts = path.split(".")
        base = PACKAGES[package].joinpath(*parts)
        module = module_of(base / "__init__.py" if base.is_dir() else base.with_suffix(".py"))
    return None


def texts(node: ast.expr, scope: Scope) -> list[str]:
    """Return the texts that an expression may be; `BLANK` where that is not known."""
    if scope.depth > DEEPEST:
        return [BLANK]
    inner = scope.deeper()
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.JoinedStr(values=parts):
            each = [texts(part.value if isinstance(part, ast.FormattedValue) else part, inner) for part in parts]
            plain = [
                [BLANK] if isinstance(part, ast.FormattedValue) and _is_formatted(part) else found
                for part, found in zip(parts, each, strict=True)
            ]
            return ["".join(pieces) for pieces in itertools.islice(itertools.product(*plain), MOST)]
        case ast.IfExp(body=one, orelse=other):
            return [*texts(one, inner), *texts(other, inner)]
        case ast.BoolOp(values=values):
            return [text for value in values for text in texts(value, inner)]
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return [a + b for a in texts(left, inner) for b in texts(right, inner)][:MOST]
        case ast.Name(id=name):
            return _named(name, inner)
        case ast.Call():
            return _returned(node, inner)
    return [BLANK]


def _is_formatted(part: ast.FormattedValue) -> bool:
    """Return whether a value is written in a way of its own, or comes out of a call: it is none of ours."""
    return part.conversion != -1 or part.format_spec is not None or isinstance(part.value, ast.Call)


def _named(name: str, scope: Scope) -> list[str]:
    if scope.function is not None:
        given = [node.value for node in ast.walk(scope.function) if isinstance(node, ast.Assign) and _names(node, name)]
        if given:
            return [text for value in given for text in texts(value, scope)]
    found = _find(scope.module, name, lambda there: there.constants)
    return texts(found[1], Scope(found[0], None, scope.depth)) if found else [BLANK]


def _names(node: ast.Assign, name: str) -> bool:
    return any(isinstance(target, ast.Name) and target.id == name for target in node.targets)


def _returned(call: ast.Call, scope: Scope) -> list[str]:
    name = _called(call)
    if name == "strip" and isinstance(call.func, ast.Attribute):
        return [text.strip() for text in texts(call.func.value, scope)]
    if name == "did_you_mean":
        return [text for word in call.keywords if word.arg == "otherwise" for text in texts(word.value, scope)]
    found = None if name in TRANSLATORS else _find(scope.module, name, lambda there: there.functions)
    if found is None or getattr(found[1].returns, "id", "") != "str":
        return [BLANK]
    back = [node.value for node in ast.walk(found[1]) if isinstance(node, ast.Return) and node.value is not None]
    return [text for value in back for text in texts(value, Scope(found[0], found[1], scope.depth))]
