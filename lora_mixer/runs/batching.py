"""Group images into batches so that merges are reused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from lora_mixer.choices import SUM, find_method, is_alone
from lora_mixer.errors import RequestError
from lora_mixer.hires import batch_key
from lora_mixer.images import plain
from lora_mixer.mixes import LoraUse
from lora_mixer.prompt import GRAMMARS, mix_tag, tag_places
from lora_mixer.request import RenderRequest, Settings

ENOUGH = 2
"""So many pictures of a mix are worth a batch of their own: what it adds is less than what the side path adds to them. On
the embedded model a batch costs as much as 0.36 pictures, a merge 0.19, the side path 0.35 for each picture."""

Asked = RenderRequest | Settings
Key = tuple[object, ...]
_KeyOf = Callable[[int], object]


def plan_batches(jobs: Sequence[Asked], *, batch: int = 4) -> tuple[tuple[int, ...], ...]:
    """Return the batches of a plan, each as positions in `jobs`; every position stands in exactly one.

    Grouped by model, then mix, then shape (size, steps, sampler: what one batch must share). A mix fills batches of
    its own, so that its weights are merged once and kept; where fewer than `ENOUGH` pictures are left of it, those of
    one shape are put together, each with strengths of its own beside the weights. The result depends on the arguments alone,
    never on who renders or what is rendered already.

    Args:
        jobs: What is asked for, with or without gaps.
        batch: The most pictures rendered at once.

    >>> cat, ink = RenderRequest(prompt="cat"), RenderRequest(prompt="cat <lora:ink:1>")
    >>> plan_batches([cat, ink, cat, ink, ink], batch=2)
    ((0, 2), (1, 3), (4,))
    """
    models = _grouped(range(len(jobs)), lambda place: jobs[place].model)
    return tuple(tuple(group) for places in models.values() for group in _of_one_model(jobs, places, batch))


def mix_key(asked: Asked) -> Key:
    """Return what two pictures with the same mix share: its method, the LoRAs of the list and of the prompt's tags."""
    return (
        _method(asked),
        *sorted(map(_use_key, asked.loras)),
        _tags(asked, asked.prompt),
        _tags(asked, asked.negative or ""),
    )


def _of_one_model(jobs: Sequence[Asked], places: Iterable[int], batch: int) -> Iterator[Sequence[int]]:
    left: list[int] = []
    alone = [place for place in places if _is_alone(jobs[place])]
    yield from _chunks(alone, 1)
    places = [place for place in places if place not in alone]
    for same in _grouped(places, lambda place: mix_key(jobs[place])).values():
        for alike in _grouped(same, lambda place: batch_key(jobs[place])).values():
            whole = len(alike) if len(alike) % batch >= ENOUGH else len(alike) // batch * batch
            yield from _chunks(alike[:whole], batch)
            left += alike[whole:]
    left.sort(key=lambda place: sorted(use.name for use in jobs[place].loras))
    for alike in _grouped(left, lambda place: batch_key(jobs[place])).values():
        yield from _chunks(alike, batch)


def _is_alone(asked: Asked) -> bool:
    return is_alone(asked.sampler, asked.hires.sampler if asked.hires else None)


def _grouped(places: Iterable[int], key: _KeyOf) -> Mapping[object, list[int]]:
    """Return the positions by key, keys in order of first appearance."""
    groups: dict[object, list[int]] = {}
    for place in places:
        groups.setdefault(key(place), []).append(place)
    return groups


def _chunks(places: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(places), size):
        yield places[start : start + size]


def _use_key(use: LoraUse) -> str:
    return f"{use.name} {plain(use.strength)}"


def _method(asked: Asked) -> str:
    """Return the method of a picture, with every number: that of a tag in its prompt, else its own."""
    said = mix_tag(asked.prompt, grammar=_grammar(asked)) or asked.method or SUM.row.name
    try:
        return str(find_method(said))
    except RequestError:  # it is refused when the job is made
        return said


def _grammar(asked: Asked) -> str:
    known = any(asked.grammar == grammar.name for grammar in GRAMMARS)  # else it is refused when the job is made
    return asked.grammar if known and asked.grammar else "default"


def _tags(asked: Asked, text: str) -> tuple[str, ...]:
    places = tag_places(text, grammar=_grammar(asked))
    return tuple(sorted(text[place.at : place.end] for place in places))
