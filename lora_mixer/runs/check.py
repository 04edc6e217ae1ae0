"""Checks of jobs before a model is opened: models, LoRAs, styles, prompts, pictures, names. No torch here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from lora_mixer.catalog import Library, ModelsFile, UpscalerLibrary
from lora_mixer.choices import OWN, find_sampler, find_upscaler
from lora_mixer.errors import LoraMixerError, PromptError, RequestError
from lora_mixer.families import Family, all_families
from lora_mixer.images.drawn_masks import drawn_mask
from lora_mixer.images.opening import open_input
from lora_mixer.keys import all_blocks, parse_blocks, parse_elements
from lora_mixer.ledger.failure import Failure
from lora_mixer.mixes import LoraUse, check_strength
from lora_mixer.prompt import LoraTag, divided, expand, lora_tags, moved, named_styles, parse, tag_places
from lora_mixer.promptfile.plan import PlannedJob, PromptFile
from lora_mixer.request import RenderRequest
from lora_mixer.runs.check_setup import check_model
from lora_mixer.runs.whereabouts import Whereabouts
from lora_mixer.settings import PICTURE
from lora_mixer.settings.fitting import set_without_effect, unfit
from lora_mixer.settings.kinds import TableName

_DRAWN = re.compile(r"(?:^|,)\s*[RUX]\b")  # block weights that are drawn, or stand for another number


class JobCheck:
    """Checks jobs without a model; each name is looked up once.

    Args:
        plan: The jobs.
        file: The models.toml.
        library: Where LoRAs are looked up.
    """

    def __init__(self, plan: PromptFile, file: ModelsFile, library: Library) -> None:
        self._upscalers = UpscalerLibrary(file.upscaler_folders)
        self._plan = plan
        self._file = file
        self._library = library
        self._where = Whereabouts(plan)
        self._known: dict[tuple[str, object], LoraMixerError | None] = {}

    def failures(self) -> dict[int, Failure]:
        """Return failures by job number, each with file, line and column."""
        found = {}
        for index, job in enumerate(self._plan.jobs):
            fault = next(self._faults(job), None)
            if fault is not None:
                error, words, ahead = fault
                place = self._where.of(job, words, ahead=ahead)
                where = f"{place}: {error.where}" if error.where else place
                found[index] = replace(Failure.of(error, index), where=where)
        return found

    def _faults(self, job: PlannedJob) -> Iterator[tuple[LoraMixerError, str, int]]:
        """Yield a job's faults, with the words of the file they are about, and an offset into these."""
        request = job.request
        for kind, key, words, look in self._names(request):
            error = self._once(kind, key, look)
            if error is not None:
                yield error, words, 0
        for text, negative in self._texts(request):
            look = partial(self._read, text, request, negative)
            error = self._once("prompt", (text, request.grammar, negative, request.model), look)
            if error is not None:
                yield error, text, (error.position if isinstance(error, PromptError) else None) or 0
                continue
            for name in self._tags(text, request, negative):
                error = self._once("lora", name, partial(self._library.find, name))
                if error is not None:
                    yield error, name, 0

    def _names(self, request: RenderRequest) -> Iterator[tuple[str, object, str, Callable[[], object]]]:
        """Yield what a job names: of what kind, by which key it is known, its words, and how it is looked up."""
        yield "model", request.model, request.model or "", partial(self._model, request.model)
        for style in request.styles:
            yield "style", style, style, partial(named_styles, [style], self._file.style_files)
        for use in (*request.loras, *(use for region in request.regions for use in region.loras)):
            yield "lora", use.name, use.name, partial(self._library.find, use.name)
            yield "strength", (use.name, repr(use.strength)), use.name, partial(_check_use, use)
        filled = request.over(self._file.defaults_for(request.model))
        if filled.preset is None and filled.sampler is not None:
            chosen = filled.sampler, filled.schedule, filled.eta
            yield "sampler", chosen, filled.sampler, partial(find_sampler, *chosen)
        for what, upscaler in _upscalers(filled).items():
            yield what, upscaler, upscaler, partial(self._upscalers.find, upscaler)
        for file, name, look in _pictures(request):
            yield "picture", file, name, look
        family = self._file.family_of(request.model)
        if family is not None:
            for row in set_without_effect(request, family):
                yield "setting", (row.name, family.name), row.name, partial(_refuse, unfit(row, family, where=row.name))
        for row in PICTURE:
            value = getattr(request, row.name)
            if isinstance(row.kind, TableName) and value is not None and row.name not in {"sampler", "schedule"}:
                yield row.name, value, value, partial(row.kind.find, value)

    def _model(self, name: str | None) -> None:
        check_model(self._file.model(name))

    def _texts(self, request: RenderRequest) -> Iterator[tuple[str, bool]]:
        """Yield the prompts, and whether each is a negative one."""
        yield request.prompt, False
        if request.negative:
            yield request.negative, True
        for region in request.regions:
            yield region.prompt, False
            yield region.negative or "", True
        if request.hires is not None:
            second = (request.hires.prompt, False), (request.hires.negative, True)
            yield from ((text, negative) for text, negative in second if text)

    def _read(self, text: str, request: RenderRequest, negative: bool) -> None:  # noqa: FBT001
        for part, at in _parts(self._drawn(text, request), request.grammar or "default", negative=negative):
            try:
                prompt = parse(part, grammar=request.grammar or "default", negative=negative)
                for tag in lora_tags(prompt):
                    _check_tag(tag, self._families(request))
            except PromptError as error:
                raise moved(error, at) from error

    def _families(self, request: RenderRequest) -> tuple[Family, ...]:
        """Return the family a job's model is said to be of; all of them where only its tensors tell."""
        stated = self._file.family_of(request.model)
        return (stated,) if stated else all_families()

    def _tags(self, text: str, request: RenderRequest, negative: bool) -> list[str]:  # noqa: FBT001
        """Return the LoRAs a prompt names for certain; what chance decides is left to chance."""
        drawn = self._drawn(text, request)
        return [place.name for place in tag_places(drawn, grammar=request.grammar or "default", negative=negative)]

    def _drawn(self, text: str, request: RenderRequest) -> str:
        """Return what a template comes to where its seed is known; without one, nothing that could be wrong."""
        if not any(mark in text for mark in ("{", "__", "$")):
            return text
        if request.seed is None or request.seed < 0:
            return ""
        return expand(text, seed=request.seed, folders=self._file.wildcard_folders)

    def _once(self, kind: str, name: object, look: Callable[[], object]) -> LoraMixerError | None:
        key = kind, name
        if key not in self._known:
            try:
                look()
            except LoraMixerError as error:
                self._known[key] = error
            else:
                self._known[key] = None
        return self._known[key]


def _pictures(request: RenderRequest) -> Iterator[tuple[object, str, Callable[[], object]]]:
    """Yield the pictures that a job is drawn from: what tells each from others, its name, and how it is looked at."""
    for picture in (request.init, request.mask):
        if picture is not None:
            yield picture, picture.name, partial(open_input, picture)
    for region in request.regions:
        if isinstance(region.mask, Path):
            yield region.mask, region.mask.name, partial(drawn_mask, region.mask)


def _parts(text: str, grammar: str, *, negative: bool) -> Iterator[tuple[str, int]]:
    """Yield the picture's own part of a prompt and those of its regions, and where each begins."""
    if negative:
        yield text, 0
        return
    parts = divided(text, grammar=grammar)
    yield parts.prompt, 0
    yield from ((one.region.prompt, one.at) for one in parts.regions)


def _refuse(error: LoraMixerError) -> None:
    raise error


def _check_use(use: LoraUse) -> None:
    """Refuse strengths that no model takes; which blocks the model has is known when it is opened."""
    check_strength(use)
    blocks = all_blocks()
    for block in use.strength.blocks:
        if block not in blocks:
            raise RequestError(
                f"no model has a block {block!r}", where=f"LoRA {use.name}", remedy=f"Use {', '.join(blocks)}."
            )


def _check_tag(tag: LoraTag, families: Sequence[Family]) -> None:
    """Refuse block weights of a tag that no model of these families takes.

    Raises:
        PromptError: They are none; the position is the tag's.
    """
    try:
        if tag.elements_text is not None:
            parse_elements(tag.elements_text)
        if tag.blocks_text is not None and not _DRAWN.search(tag.blocks_text):
            _check_blocks(tag.blocks_text, families)
    except RequestError as error:
        raise PromptError(error.what, position=tag.at, where=f"LoRA {tag.name}", remedy=error.remedy) from error


def _check_blocks(text: str, families: Sequence[Family]) -> None:
    """Refuse block weights unless one of the families takes them; what the first one says of them is told."""
    refusals = []
    for family in families:
        try:
            parse_blocks(text, family)
        except RequestError as error:
            refusals.append(error)
        else:
            return
    raise refusals[0]


def _upscalers(request: RenderRequest) -> Mapping[str, str]:
    """Return the networks a request names, by the setting that does; the model's own is its own matter."""
    named = {"upscaler": request.upscaler, "hires upscaler": None if request.hires is None else request.hires.upscaler}
    return {
        what: name
        for what, name in named.items()
        if name is not None and (found := find_upscaler(name)).network and found.name != OWN
    }
