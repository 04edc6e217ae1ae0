"""What is to be said about a pass, for its record: nothing acts otherwise than asked without a note."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lora_mixer.choices import BlendMethod, find_method
from lora_mixer.choices.places import AUTO
from lora_mixer.keys import elements_text, means
from lora_mixer.mixer.adapter_cache import AdapterCache
from lora_mixer.mixer.regions import RegionCourse
from lora_mixer.mixes import LoraUse
from lora_mixer.prompt import Prompt, find_missing
from lora_mixer.request import Settings


def remarks_on(
    settings: Settings,
    prompts: Sequence[Prompt],
    uses: Sequence[LoraUse],
    adapters: AdapterCache,
    courses: Sequence[RegionCourse],
    embeddings: Sequence[str],
) -> list[str]:
    """Return what is to be said about a pass.

    Args:
        settings: The pass's.
        prompts: Its positive and negative one.
        uses: LoRAs that act in it.
        adapters: Opens them.
        courses: Its regions.
        embeddings: Names of the available embeddings.
    """
    return [
        *_missing(prompts, [*embeddings, *_brought(uses, adapters)]),
        *_experimental(find_method(settings.method)),
        *_damaged(uses, adapters),
        *_idle(uses, adapters),
        *_unplaced(settings, courses),
    ]


def _brought(uses: Iterable[LoraUse], adapters: AdapterCache) -> Iterator[str]:
    """Yield the names of the embeddings that adapters bring along."""
    for use in uses:
        yield from adapters.take(use.name).embeddings


def _damaged(uses: Iterable[LoraUse], adapters: AdapterCache) -> Iterator[str]:
    """Yield notes on adapters whose settings are damaged or contradict their tensors."""
    for name in dict.fromkeys(use.name for use in uses):
        yield from (f"LoRA {name}: {remark}" for remark in adapters.take(name).report.remarks)


def _unplaced(settings: Settings, courses: Iterable[RegionCourse]) -> Iterator[str]:
    """Yield a note where places are to be found and nothing tells by what."""
    if settings.places == AUTO and not any(course.holds for course in courses):
        yield "no trained words of a LoRA stand in the prompt, so no places were sought: each acts as its mask says"


def _experimental(method: BlendMethod) -> Iterator[str]:
    """Yield a note on a method that is experimental."""
    if method.row.experimental:
        yield f"the method {method} is experimental: it has not been shown to beat the sum here"


def _missing(prompts: Iterable[Prompt], known: Sequence[str]) -> Iterator[str]:
    """Yield the names in prompts that look like embeddings there are none of."""
    for prompt in prompts:
        for embedding in find_missing(prompt, known):
            nearest = f"; the nearest is {embedding.nearest}" if embedding.nearest else ""
            yield f"there is no embedding {embedding.name}, so its name is read as words{nearest}"


def _idle(uses: Iterable[LoraUse], adapters: AdapterCache) -> Iterator[str]:
    """Yield the element weights that mean no layer of their adapter."""
    for use in uses:
        changed = adapters.take(use.name, rank=use.strength.rank).modules.values() if use.strength.elements else ()
        for element in use.strength.elements:
            if not any(means(element, spec) for spec in changed):
                yield f"LoRA {use.name}: the element weight {elements_text([element])} means none of its layers"
