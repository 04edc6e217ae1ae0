"""What a template's parts stand for, however they are chosen from: options of choices, lines of wildcards, variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lora_mixer.errors import PromptError
from lora_mixer.prompt.template import Choice, Option, TemplateNode, Variable, Wildcard, read_template
from lora_mixer.prompt.wildcards import Wildcards

MAX_REPLACEMENTS = 10_000
MAX_NESTED = 20

Values = Mapping[str, tuple[TemplateNode, ...]]
"""Variables by name."""


def lone(options: Sequence[Option]) -> tuple[TemplateNode, ...]:
    """Return what the first option holds; nothing if there is none."""
    return options[0].nodes if options else ()


def lines_of(wildcards: Wildcards, node: Wildcard) -> tuple[Option, ...]:
    """Return the lines of a wildcard, each an option.

    Raises:
        PromptError: There is no such wildcard, or a line is no template that can be read.
        ConfigError: Its file cannot be read.
    """
    values = wildcards.values(node.name, at=node.at)
    return tuple(Option(nodes=read_template(value)) for value in values)


def options_of(wildcards: Wildcards, choice: Choice) -> tuple[Option, ...]:
    """Return a choice's options; `{2$$__colours__}` chooses among the values of its wildcard."""
    nodes = choice.options[0].nodes
    if len(choice.options) == 1 and len(nodes) == 1 and isinstance(nodes[0], Wildcard):
        return lines_of(wildcards, nodes[0])
    return choice.options


def value_of(values: Values, node: Variable) -> tuple[TemplateNode, ...]:
    """Return what a variable stands for.

    Raises:
        PromptError: Nothing was assigned to it, and it has no default.
    """
    value = values.get(node.name, node.default)
    if value is None:
        raise PromptError(
            f"the variable ${{{node.name}}} is not set",
            position=node.at,
            remedy=f"Write ${{{node.name}=...}} before it, or a default: ${{{node.name}:...}}.",
        )
    return value


def given_in(node: Wildcard, values: Values) -> Values:
    """Return the variables as they are inside a wildcard."""
    return {**values, **{name: (text,) for name, text in node.given}} if node.given else values


def deeper(node: Wildcard | Variable, depth: int) -> int:
    """Return the depth inside a wildcard or variable.

    Raises:
        PromptError: It leads back to itself.
    """
    if depth >= MAX_NESTED:
        said = f"the wildcard __{node.name}__" if isinstance(node, Wildcard) else f"the variable ${{{node.name}}}"
        raise PromptError(f"{said} leads back to itself", position=node.at, remedy="Break the circle.")
    return depth + 1
